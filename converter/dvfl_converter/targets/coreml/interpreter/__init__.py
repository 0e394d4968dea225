"""A reference interpreter of Core ML's ML programs: what an ``.mlpackage`` says, evaluated anywhere.

It is not Apple's runtime. It evaluates each operator as coremltools documents it, sums in float32 and
rounds every result to the type that the program declares for it. It proves that a package's graph,
weights and types say what PyTorch says; not how Core ML's kernels, or the Neural Engine, round.

``package`` and ``blobs`` read the files, ``program`` is the result, ``operators`` evaluate,
``evaluation`` runs, ``observers`` look at what was computed.
"""

from dvfl_converter.targets.coreml.interpreter.evaluation import Evaluated, Observer, Precision, evaluate
from dvfl_converter.targets.coreml.interpreter.package import read_package
from dvfl_converter.targets.coreml.interpreter.program import Function, Operation, Program, TensorType

__all__ = [
    "Evaluated",
    "Function",
    "Observer",
    "Operation",
    "Precision",
    "Program",
    "TensorType",
    "evaluate",
    "read_package",
]
