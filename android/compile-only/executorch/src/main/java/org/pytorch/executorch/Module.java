package org.pytorch.executorch;

/**
 * Declaration of ExecuTorch's class of this name, to compile against only: the AAR is on a Maven repository that not
 * every build machine reaches. It is Java because {@code invokestatic} on it binds to the older releases, which are
 * Java, and to the newer ones, which are Kotlin with {@code @JvmStatic}. Members that only some releases have are left
 * out.
 */
public class Module {
  public static final int LOAD_MODE_FILE = 0;
  public static final int LOAD_MODE_MMAP = 1;
  public static final int LOAD_MODE_MMAP_USE_MLOCK = 2;
  public static final int LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS = 3;

  private Module() {}

  public static Module load(String modelPath, int loadMode, int numThreads) {
    throw new UnsupportedOperationException("declaration only");
  }

  public EValue[] forward(EValue... inputs) {
    throw new UnsupportedOperationException("declaration only");
  }

  public String[] getMethods() {
    throw new UnsupportedOperationException("declaration only");
  }

  public void destroy() {
    throw new UnsupportedOperationException("declaration only");
  }
}
