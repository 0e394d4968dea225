"""Reading an ``.mlpackage``: its protobuf and weights, checked and turned into a :class:`Program`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from coremltools.proto import MIL_pb2, Model_pb2
from google.protobuf.message import DecodeError

from dvfl.errors import ArtifactError, UnsupportedOperatorError
from dvfl_converter.targets.coreml.interpreter.blobs import BlobReader, unpacked
from dvfl_converter.targets.coreml.interpreter.program import (
    Argument,
    Array,
    Constant,
    DataType,
    Function,
    NamedType,
    Operation,
    Program,
    Reference,
    TensorType,
)

# coremltools' _OPSET: the operator sets by the iOS that brought them.
OPSETS = {"CoreML5": 15, "CoreML6": 16, "CoreML7": 17, "CoreML8": 18, "CoreML9": 26}


def read_package(path: Path) -> Program:
    """The ML program of an ``.mlpackage`` folder, with all its weights.

    Raises:
        ArtifactError: a file is missing, cut short or contradicts itself.
        UnsupportedOperatorError: it is no ML program, or has a type, state or block that is not evaluated.
    """
    model_file = _model_file(path)
    model = Model_pb2.Model()
    try:
        model.ParseFromString(model_file.read_bytes())
    except DecodeError as error:
        raise ArtifactError(f"{model_file}: not a Core ML model ({error}); convert again") from None
    except OSError as error:
        raise ArtifactError(f"{model_file}: cannot be read ({error.strerror}); convert again") from None
    if model.WhichOneof("Type") != "mlProgram":
        raise UnsupportedOperatorError(
            f"{path}: holds a {model.WhichOneof('Type') or 'model of an unknown type'}, not an ML program; "
            "convert with minimum_deployment_target iOS16 or newer"
        )
    if model.mlProgram.version != 1:
        raise UnsupportedOperatorError(f"{path}: ML program of version {model.mlProgram.version}, not 1")
    reader = _ProgramReader(path, BlobReader(model_file.parent))
    functions = {name: reader.function(name, spec) for name, spec in model.mlProgram.functions.items()}
    if "main" not in functions:
        raise ArtifactError(f"{path}: has no function 'main'; convert again")
    return Program(path, functions)


def _model_file(path: Path) -> Path:
    """Where the package's own manifest says that the model lies."""
    manifest = path / "Manifest.json"
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        root = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
    except OSError:
        raise ArtifactError(f"{path}: not an .mlpackage: Manifest.json is missing; convert again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{manifest}: names no root model ({error!r}); convert again") from None
    model_file = path / "Data" / root
    if not model_file.resolve().is_relative_to(path.resolve()) or not model_file.is_file():
        raise ArtifactError(f"{model_file}: missing, but named in Manifest.json; convert again")
    return Path(model_file)


class _ProgramReader:
    """Turns messages of ``MIL.proto`` into :mod:`program`'s types."""

    def __init__(self, path: Path, blobs: BlobReader) -> None:
        self._path = path
        self._blobs = blobs

    def function(self, name: str, spec: Any) -> Function:
        if spec.opset not in OPSETS:
            raise UnsupportedOperatorError(
                f"{self._path}: operator set '{spec.opset}' is unknown; known: {', '.join(OPSETS)}"
            )
        if spec.opset not in spec.block_specializations:
            raise ArtifactError(
                f"{self._path}: function '{name}' has no block for '{spec.opset}'; convert again"
            )
        block = spec.block_specializations[spec.opset]
        inputs = tuple(self._named(item) for item in spec.inputs)
        operations = tuple(self._operation(item) for item in block.operations)
        function = Function(name, OPSETS[spec.opset], inputs, operations, tuple(block.outputs))
        self._check_names(function)
        return function

    def _check_names(self, function: Function) -> None:
        """Every value is computed once, and before it is used."""
        known = {item.name for item in function.inputs}
        for operation in function.operations:
            wanted = (
                a.name for group in operation.arguments.values() for a in group if isinstance(a, Reference)
            )
            if missing := [name for name in wanted if name not in known]:
                raise ArtifactError(
                    f"{self._path}: {operation.kind} '{operation.name}' uses '{missing[0]}', "
                    "which nothing before it computes; convert again"
                )
            for output in operation.outputs:
                if output.name in known:
                    raise ArtifactError(f"{self._path}: '{output.name}' is computed twice; convert again")
                known.add(output.name)
        if missing := [name for name in function.outputs if name not in known]:
            raise ArtifactError(f"{self._path}: nothing computes the output '{missing[0]}'; convert again")

    def _operation(self, spec: Any) -> Operation:
        outputs = tuple(self._named(item) for item in spec.outputs)
        owner = outputs[0].name if outputs else spec.type
        if spec.blocks:
            raise UnsupportedOperatorError(
                f"{self._path}: {spec.type} '{owner}' has blocks of its own; control flow is not evaluated"
            )
        arguments: dict[str, tuple[Argument, ...]] = {
            name: tuple(self._argument(binding, f"{owner}.{name}") for binding in argument.arguments)
            for name, argument in spec.inputs.items()
        }
        for name, value in spec.attributes.items():
            if name != "name":
                arguments[name] = (
                    self._constant(value, owner if spec.type == "const" else f"{owner}.{name}"),
                )
        return Operation(spec.type, arguments, outputs)

    def _argument(self, binding: Any, owner: str) -> Argument:
        if binding.WhichOneof("binding") == "name":
            return Reference(binding.name)
        return self._constant(binding.value, owner)

    def _named(self, spec: Any) -> NamedType:
        return NamedType(spec.name, self._type(spec.type, spec.name))

    def _type(self, spec: Any, owner: str) -> TensorType:
        if spec.WhichOneof("type") != "tensorType":
            raise UnsupportedOperatorError(
                f"{self._path}: '{owner}' is a {spec.WhichOneof('type')}; only tensors are evaluated"
            )
        name = MIL_pb2.DataType.Name(spec.tensorType.dataType)
        if name not in DataType.__members__:
            raise UnsupportedOperatorError(f"{self._path}: '{owner}' is of {name}, which is not evaluated")
        dimensions = spec.tensorType.dimensions
        if any(d.WhichOneof("dimension") == "unknown" and d.unknown.variadic for d in dimensions):
            raise UnsupportedOperatorError(f"{self._path}: '{owner}' has no fixed rank")
        shape = tuple(
            d.constant.size if d.WhichOneof("dimension") == "constant" else None for d in dimensions
        )
        return TensorType(DataType[name], shape)

    def _constant(self, spec: Any, owner: str) -> Constant:
        kind = self._type(spec.type, owner)
        if None in kind.shape:
            raise ArtifactError(f"{self._path}: the constant '{owner}' has no fixed shape; convert again")
        if spec.WhichOneof("value") == "blobFileValue":
            blob = spec.blobFileValue
            return Constant(kind, self._blobs.read(blob.fileName, blob.offset, kind, owner))
        if spec.immediateValue.WhichOneof("value") != "tensor":
            raise UnsupportedOperatorError(f"{self._path}: the constant '{owner}' is no tensor")
        return Constant(kind, self._immediate(spec.immediateValue.tensor, kind, owner))

    def _immediate(self, spec: Any, kind: TensorType, owner: str) -> Array:
        field = spec.WhichOneof("value")
        shape = tuple(-1 if n is None else n for n in kind.shape)
        count = math.prod(shape)
        if field is None or field not in _FIELDS:
            raise ArtifactError(f"{self._path}: the constant '{owner}' has no value; convert again")
        try:
            values = _FIELDS[field](getattr(spec, field).values, kind.dtype, count)
            return values.reshape(shape)
        except ValueError as error:
            raise ArtifactError(
                f"{self._path}: the constant '{owner}' does not fit its type {kind}: {error}; convert again"
            ) from None


def _numbers(values: Iterable[Any], kind: DataType, _count: int) -> Array:
    return np.array(list(values)).astype(kind.held)


def _from_bytes(values: bytes, kind: DataType, count: int) -> Array:
    """fp16 and the integers of up to 8 bits lie in a byte string."""
    if len(values) * 8 < count * kind.bits:
        raise ValueError(f"{len(values)} bytes for {count} values of {kind.bits} bits")
    if kind.is_packed:
        return unpacked(values, kind, count)
    return np.frombuffer(values, kind.held.newbyteorder("<")).astype(kind.held)


_FIELDS: Mapping[str, Callable[[Any, DataType, int], Array]] = {
    **dict.fromkeys(("floats", "ints", "bools", "strings", "longInts", "doubles"), _numbers),
    "bytes": _from_bytes,
}
