"""Compressed weights, unpacked: the forms of iOS 16 and, where they differ, of iOS 18.

A form's arguments tell which it is. iOS 16 packs indices and masks into bytes and gives the shape; iOS 18
has types of less than a byte, and tables and scales per block.
"""

from __future__ import annotations

import math

import numpy as np

from dvfl_converter.targets.coreml.interpreter.blobs import unpacked
from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row, declared
from dvfl_converter.targets.coreml.interpreter.program import Array, DataType

# The indices of iOS 16 are as many bits as its table needs.
_INDEX_TYPES = {
    2: DataType.UINT1,
    4: DataType.UINT2,
    16: DataType.UINT4,
    64: DataType.UINT6,
    256: DataType.UINT8,
}


def constexpr_affine_dequantize(given: Arguments) -> Array:
    """``scale (quantized_data - zero_point)``; a vector of either lies along ``axis``."""
    data = given.tensor("quantized_data").astype(np.float32)
    axis = given.axis("axis", data.ndim)
    scale, zero = (_along(given, name, data.shape, axis) for name in ("scale", "zero_point"))
    return scale * (data - zero)


def _along(given: Arguments, name: str, shape: tuple[int, ...], axis: int) -> Array:
    value = given.tensor(name).astype(np.float32)
    if value.ndim == 0:
        return value
    if value.ndim != 1 or value.size != shape[axis]:
        given.contradict(f"{name} {list(value.shape)} along axis {axis} of {list(shape)}")
    return value.reshape([-1 if i == axis else 1 for i in range(len(shape))])


def constexpr_blockwise_shift_scale(given: Arguments) -> Array:
    """``scale (data - offset)``; each scale and offset serves a block of ``data.shape / scale.shape``."""
    data = given.tensor("data").astype(np.float32)
    if given.has("offset"):
        data = data - _by_blocks(given, given.tensor("offset"), data.shape)
    return _by_blocks(given, given.tensor("scale"), data.shape) * data


def _by_blocks(given: Arguments, value: Array, shape: tuple[int, ...]) -> Array:
    """``value`` repeated to ``shape``, each element over a block."""
    if value.ndim != len(shape) or any(size % n for size, n in zip(shape, value.shape, strict=True)):
        given.contradict(f"blocks of {list(value.shape)} in {list(shape)}")
    for axis, size in enumerate(shape):
        value = value.repeat(size // value.shape[axis], axis)
    return value.astype(np.float32)


def lut_of_ios16(given: Arguments) -> Array:
    """``lut[index]`` of packed indices."""
    table, shape = given.tensor("lut"), given.integers("shape")
    if table.size not in _INDEX_TYPES:
        given.contradict(f"a lut of {table.size} elements")
    kind, count = _INDEX_TYPES[table.size], math.prod(shape)
    packed = given.tensor("indices")
    if packed.size != -(-count * kind.bits // 8):
        given.contradict(f"{packed.size} bytes of indices for {count} values of {kind.bits} bits")
    return table[unpacked(packed.tobytes(), kind, count)].reshape(shape)


def lut_of_ios18(given: Arguments) -> Array:
    """``lut[block, index]``: a table per block, of numbers or of vectors along ``vector_axis``."""
    indices, table = given.tensor("indices").astype(np.int64), given.tensor("lut")
    if table.ndim != indices.ndim + 2 or np.any(indices >= table.shape[-2]):
        given.contradict(f"indices {list(indices.shape)} into a lut of {list(table.shape)}")
    blocks = np.indices(indices.shape)
    sizes = [size // n for size, n in zip(indices.shape, table.shape[:-2], strict=True)]
    where = tuple(block // size for block, size in zip(blocks, sizes, strict=True))
    vectors = table[(*where, indices)]
    if vectors.shape[-1] == 1:
        return np.asarray(vectors[..., 0])
    axis = given.axis("vector_axis", indices.ndim)
    spread = np.moveaxis(vectors, -1, axis + 1)
    return np.asarray(spread).reshape(*indices.shape[:axis], -1, *indices.shape[axis + 1 :])


def sparse_of_ios16(given: Arguments) -> Array:
    """The values at the set bits of a packed mask, 0 elsewhere."""
    shape, packed = given.integers("shape"), given.tensor("mask")
    count = math.prod(shape)
    if packed.size != -(-count // 8):
        given.contradict(f"a mask of {packed.size} bytes for {count} values")
    return _scattered(given, unpacked(packed.tobytes(), DataType.UINT1, count).reshape(shape))


def sparse_of_ios18(given: Arguments) -> Array:
    """The values where the mask is 1, 0 elsewhere."""
    return _scattered(given, given.tensor("mask"))


def _scattered(given: Arguments, mask: Array) -> Array:
    values = given.tensor("nonzero_data")
    if np.count_nonzero(mask) != values.size:
        given.contradict(f"{values.size} values for {np.count_nonzero(mask)} ones of the mask")
    dense = np.zeros(mask.shape, values.dtype)
    dense[mask != 0] = values
    return dense


def constexpr_cast(given: Arguments) -> Array:
    """fp16 as fp32."""
    declared(given, str(given.held("output_dtype")))
    return given.tensor("source_val")


ROWS = (
    Row(
        "constexpr_affine_dequantize",
        constexpr_affine_dequantize,
        ("quantized_data", "zero_point", "scale", "axis"),
    ),
    Row(
        "constexpr_blockwise_shift_scale",
        constexpr_blockwise_shift_scale,
        ("data", "scale"),
        ("offset",),
    ),
    Row("constexpr_lut_to_dense", lut_of_ios16, ("indices", "lut", "shape")),
    Row("constexpr_lut_to_dense", lut_of_ios18, ("indices", "lut"), ("vector_axis",)),
    Row("constexpr_sparse_to_dense", sparse_of_ios16, ("nonzero_data", "mask", "shape")),
    Row("constexpr_sparse_to_dense", sparse_of_ios18, ("nonzero_data", "mask")),
    Row("constexpr_cast", constexpr_cast, ("source_val", "output_dtype")),
)
