package org.pytorch.executorch;

/** Declaration to compile against only; see {@link Module}. */
public enum DType {
  UINT8,
  FLOAT
}
