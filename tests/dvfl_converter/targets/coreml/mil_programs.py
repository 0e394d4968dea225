"""Small ML programs, made by coremltools and evaluated by the interpreter."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import coremltools as ct
import numpy as np
from coremltools.converters.mil.mil import Builder, types

from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.coreml.interpreter import Precision, Program, evaluate, read_package

mb = Builder
Array = np.ndarray
Build = Callable[..., Any]
_DTYPES = {
    np.dtype(np.float32): types.fp32,
    np.dtype(np.float16): types.fp16,
    np.dtype(np.int32): types.int32,
}


def program_of(build: Build, inputs: Mapping[str, Array], opset: Any = ct.target.iOS17) -> Program:
    """The program that ``build(**variables)`` makes, as coremltools writes it, without any optimisation.

    Bool inputs are passed as int32 and cast: Core ML takes no bools.
    """
    with quiet_native():
        return read_package(Path(_converted(build, inputs, opset).package_path))


def _converted(build: Build, inputs: Mapping[str, Array], opset: Any) -> Any:
    specs = [
        mb.TensorSpec(shape=array.shape, dtype=_DTYPES[_passed(array).dtype]) for array in inputs.values()
    ]

    def body(*variables: Any) -> Any:
        named = {
            name: mb.cast(x=variable, dtype="bool") if inputs[name].dtype == bool else variable
            for name, variable in zip(inputs, variables, strict=True)
        }
        result = build(**named)
        for one in result if isinstance(result, tuple | list) else (result,):
            # Core ML's outputs are int32 or floating point.
            if one.dtype not in (types.fp32, types.fp16, types.int32):
                return mb.cast(x=one, dtype="int32", name="result")
        return result

    # The builder reads the parameters' names.
    names = ", ".join(inputs)
    scope: dict[str, Any] = {"body": body}
    exec(f"def main({names}): return body({names})", scope)
    main = mb.program(input_specs=specs, opset_version=opset)(scope["main"])
    # Every conversion collects garbage, which takes seconds after the frameworks' imports.
    with mock.patch("gc.collect"):
        return ct.convert(
            main,
            convert_to="mlprogram",
            minimum_deployment_target=opset,
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )


def _passed(array: Array) -> Array:
    return array.astype(np.int32) if array.dtype == bool else array


def outputs_of(
    build: Build,
    inputs: Mapping[str, Array],
    opset: Any = ct.target.iOS17,
    precision: Precision = Precision.DECLARED,
) -> tuple[Array, ...]:
    """What the interpreter computes."""
    program = program_of(build, inputs, opset)
    given = {name: _passed(array) for name, array in inputs.items()}
    return tuple(evaluate(program, given, precision=precision).values())


def output_of(build: Build, opset: Any = ct.target.iOS17, **inputs: Array) -> Array:
    """The only output."""
    (output,) = outputs_of(build, inputs, opset)
    return output


def inferred(build: Build, inputs: Mapping[str, Array], opset: Any) -> tuple[Array, ...] | None:
    """What coremltools itself computes from the same values as constants; ``None`` if it does not."""
    values: list[Any] = []

    def main(unused: Any) -> Any:
        result = build(**{name: mb.const(val=array) for name, array in inputs.items()})
        values.extend(result if isinstance(result, tuple | list) else (result,))
        return mb.identity(x=unused)

    with quiet_native(), contextlib.suppress(NotImplementedError):
        mb.program(input_specs=[mb.TensorSpec(shape=(1,))], opset_version=opset)(main)
    if not values or any(value.val is None for value in values):
        return None
    return tuple(np.asarray(value.val) for value in values)
