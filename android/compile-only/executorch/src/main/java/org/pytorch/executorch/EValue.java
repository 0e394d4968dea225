package org.pytorch.executorch;

/** Declaration to compile against only; see {@link Module}. */
public class EValue {
  private EValue() {}

  public static EValue from(Tensor tensor) {
    throw new UnsupportedOperationException("declaration only");
  }

  public boolean isTensor() {
    throw new UnsupportedOperationException("declaration only");
  }

  public Tensor toTensor() {
    throw new UnsupportedOperationException("declaration only");
  }
}
