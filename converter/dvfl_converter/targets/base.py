"""What a target is: a row of data, a frozen configuration, and a back end of three functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from dvfl.manifest import Artifact, OperatorReport, Precision
from dvfl_converter.quantization.plan import Scheme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvfl.bundle import Bundle
    from dvfl.engines import Engine
    from dvfl.model import VideoFocalNet
    from dvfl.spec import PreprocessingSpec
    from dvfl_converter.program import Program
    from dvfl_converter.quantization.plan import QuantizationPlan


# The option of an artifact whose parity is a stand-in's, not its runtime's.
PROVED_BY_INTERPRETER = {"proved_by": "interpreter"}

Int8Choice = Literal["search", "dynamic", "static"]


class TargetConfig(BaseModel):
    """Options of one conversion; each target has its own class, so a foreign option cannot be passed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only_for: ClassVar[dict[str, tuple[Precision, ...]]] = {}
    precision: Precision

    @classmethod
    def applies(cls, option: str, precision: Precision) -> bool:
        """Whether an option means anything at a precision; ``only_for`` lists those that do not always."""
        return precision in cls.only_for.get(option, (precision,))

    def int8_choice(self) -> Int8Choice | None:
        """How the quantisation plan of the artifact is found; ``None`` where it needs none."""
        return None

    def options(self) -> dict[str, str]:
        """The options besides the precision, as the manifest records them."""
        values = self.model_dump(exclude={"precision"}).items()
        return {name: str(value) for name, value in values if self.applies(name, self.precision)}


class LayerwiseConfig(TargetConfig):
    """Options of a target that computes int8 layer by layer.

    Attributes:
        int8: ``search`` finds the fastest plan that is accurate enough; ``dynamic`` quantises weights, and
            activations as they come; ``static`` also fixes the activation ranges, measured on
            calibration clips.
    """

    only_for: ClassVar[dict[str, tuple[Precision, ...]]] = {"int8": ("int8",)}

    int8: Int8Choice = "search"

    def int8_choice(self) -> Int8Choice | None:
        """The option, where it applies."""
        return self.int8 if self.precision == "int8" else None


@dataclass(frozen=True)
class Converted:
    """What a back end says of the artifact it wrote."""

    input_name: str
    output_name: str
    operators: OperatorReport
    tools: dict[str, str]


class Exporter(Protocol):
    """Writes artifacts of one program; what they have in common is computed once."""

    def write(self, config: TargetConfig, path: Path, plan: QuantizationPlan | None = None) -> Converted:
        """Writes the artifact to ``path``.

        Args:
            config: precision and options.
            path: of the file or, for Core ML, the folder.
            plan: for int8, where the target has schemes.
        """
        ...


class Backend(Protocol):
    """The module ``targets/<name>/backend.py``."""

    def lowered(
        self, network: VideoFocalNet, spec: PreprocessingSpec, precision: Precision = "fp32"
    ) -> Program:
        """The network in the form this target runs best at a precision; raw 0..255 clips in, logits out."""
        ...

    def exporter(self, program: Program, calibration: Sequence[NDArray[np.uint8]] = ()) -> Exporter:
        """Converts a program; clips, uint8 ``[T, H, W, 3]``, calibrate static int8."""
        ...

    def operators(self, program: Program) -> OperatorReport:
        """Where each operator of a program would run, without writing an artifact."""
        ...


class StandIn(Protocol):
    """Computes what an artifact says without its runtime, as the runtime's engine would."""

    def __call__(self, bundle: Bundle, artifact: Artifact) -> Engine: ...


class Taps(Protocol):
    """Reads the float tensors that an artifact, or its re-conversion, computes for one clip."""

    def __call__(
        self, bundle: Bundle, artifact: Artifact, clip: NDArray[np.uint8]
    ) -> Iterator[NDArray[np.float32]]: ...


# The largest finite number of IEEE 754 binary16: (2 - 2^-10) * 2^15.
LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class Magnitude:
    """The largest magnitude of one fp16 value of an artifact, computed without rounding; NaN is infinite."""

    name: str
    operator: str
    largest: float

    @property
    def of_range(self) -> float:
        """The part of fp16's range that it takes; above 1 it overflows."""
        return self.largest / LARGEST_HALF


class Magnitudes(Protocol):
    """Measures all fp16 values of an artifact over uint8 clips ``[T, H, W, 3]``, in their order."""

    def __call__(
        self, bundle: Bundle, artifact: Artifact, clips: Sequence[NDArray[np.uint8]]
    ) -> tuple[Magnitude, ...]: ...


@dataclass(frozen=True)
class Target:
    """A row of the registry.

    Attributes:
        name: as in ``--target`` and the manifest.
        title: for people.
        suffix: of the artifact's file name.
        default_precisions: converted when none is asked for.
        refused: why a precision does not apply, in the target's own words.
        schemes: how a layer of an int8 artifact can be computed, cheapest first and the most accurate last;
            empty where int8 is one thing.
        int8_lowered_apart: whether int8 has a lowering of its own; all other precisions share one.
        by_stage: whether the search tries the layers of each stage apart; it converts once per group.
        config: the configuration class.
        backend: import path of the module that implements :class:`Backend`.
        packages: importable packages the back end needs.
        runs_here: whether the artifact's own runtime exists on this machine.
        not_run_reason: what the report says when it does not, and nothing stands in for it.
        stand_in: import path of a module whose ``open_artifact`` computes what an artifact says, where its
            runtime is missing.
        stand_in_reason: what the report says of an artifact that was proved so.
        magnitudes: import path of a module with ``half_magnitudes``.
        taps: import path of a module with ``intermediate_tensors``.
        taps_reconvert: they are a re-conversion's, because the runtime shows none of the artifact's.
    """

    name: str
    title: str
    suffix: str
    default_precisions: tuple[Precision, ...]
    refused: dict[Precision, str]
    schemes: tuple[Scheme, ...]
    int8_lowered_apart: bool
    by_stage: bool
    config: type[TargetConfig]
    backend: str
    packages: tuple[str, ...]
    runs_here: bool = True
    not_run_reason: str = ""
    stand_in: str | None = None
    stand_in_reason: str = ""
    magnitudes: str | None = None
    taps: str | None = None
    taps_reconvert: bool = False

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions this target converts to."""
        known: tuple[Precision, ...] = ("fp32", "fp16", "int8")
        return tuple(precision for precision in known if precision not in self.refused)
