"""MIL's operators, one registry row each, in files by kind.

A function takes :class:`~.arguments.Arguments` and returns the result, or a tuple of them, computed in
float32 wherever the inputs are floating point; ``evaluation`` rounds to the declared type. Semantics are
those of the docstrings in ``coremltools/converters/mil/mil/ops/defs`` (coremltools 9.0), rendered at
https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""
