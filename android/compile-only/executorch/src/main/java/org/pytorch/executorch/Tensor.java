package org.pytorch.executorch;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Declaration to compile against only; see {@link Module}. */
public abstract class Tensor {
  Tensor() {}

  public static Tensor fromBlob(FloatBuffer data, long[] shape) {
    throw new UnsupportedOperationException("declaration only");
  }

  public static Tensor fromBlobUnsigned(ByteBuffer data, long[] shape) {
    throw new UnsupportedOperationException("declaration only");
  }

  public long[] shape() {
    throw new UnsupportedOperationException("declaration only");
  }

  public abstract DType dtype();

  public float[] getDataAsFloatArray() {
    throw new UnsupportedOperationException("declaration only");
  }
}
