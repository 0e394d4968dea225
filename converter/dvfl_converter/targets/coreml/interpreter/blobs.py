"""Weight files: MIL's blob storage.

A file begins with a 64-byte header; each value is a 64-byte record (sentinel ``0xDEADBEEF``, element
type, size in bytes, offset of the data), which a program points to, and its data. coremltools' own
native reader checks all four; this module adds the check of the declared shape.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from coremltools.libmilstoragepython import _BlobStorageReader

from dvfl.errors import ArtifactError
from dvfl_converter.targets.coreml.interpreter.program import Array, DataType, TensorType

# The native reader hands fp16 out as its bits in uint16.
_READERS: dict[DataType, str] = {
    DataType.FLOAT32: "read_float_data",
    DataType.FLOAT16: "read_fp16_data",
    **{kind: f"read_{kind.title}_data" for kind in DataType if kind.held.kind in "iu"},
}


class BlobReader:
    """Reads the values of one package's weight files; a file is opened when it is first needed."""

    def __init__(self, model_folder: Path) -> None:
        self._folder = model_folder
        self._open: dict[Path, Any] = {}

    def read(self, file_name: str, offset: int, kind: TensorType, owner: str) -> Array:
        """The value whose record is at byte ``offset`` of ``file_name`` (``@model_path/...``).

        Raises:
            ArtifactError: the file is missing or cut short, the record is not at ``offset``, or it holds
                another element type or number of elements than ``kind``.
        """
        path = self._inside(file_name, owner)
        if kind.dtype not in _READERS:
            raise ArtifactError(f"{path}: '{owner}' is of type {kind}, which weight files cannot hold")
        try:
            if path not in self._open:
                self._open[path] = _BlobStorageReader(str(path))
            data = np.array(getattr(self._open[path], _READERS[kind.dtype])(offset))
        except (RuntimeError, ValueError, OverflowError, TypeError) as error:
            raise ArtifactError(
                f"{path}: no {kind.dtype.title} value of '{owner}' at offset {offset}: "
                f"{' '.join(str(error).split())}; the file is damaged, convert again"
            ) from None
        shape = tuple(-1 if n is None else n for n in kind.shape)
        if data.size != math.prod(shape):
            raise ArtifactError(
                f"{path}: '{owner}' has {data.size} elements at offset {offset}, its type is {kind}; "
                "the file is damaged, convert again"
            )
        held = data.view(np.float16) if kind.dtype is DataType.FLOAT16 else data.astype(kind.dtype.held)
        return held.reshape(shape)

    def _inside(self, file_name: str, owner: str) -> Path:
        relative = file_name.removeprefix("@model_path/")
        path = (self._folder / relative).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise ArtifactError(
                f"{self._folder}: weight file '{file_name}' of '{owner}' is outside the package"
            )
        if not path.is_file():
            raise ArtifactError(f"{path}: missing, but '{owner}' is stored in it; convert again")
        return path


def unpacked(data: bytes, kind: DataType, count: int) -> Array:
    """``count`` values of ``kind.bits`` bits each, the least significant bits first, as bytes hold them.

    Source: the notes of ``constexpr_lut_to_dense`` (iOS 16). The data must be exactly as long as needed.
    """
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: count * kind.bits]
    weights = (1 << np.arange(kind.bits)).astype(np.int16)
    values = bits.reshape(count, kind.bits).astype(np.int16) @ weights
    if kind.held.kind == "i":
        values = np.where(values >= 1 << (kind.bits - 1), values - (1 << kind.bits), values)
    return values.astype(kind.held)
