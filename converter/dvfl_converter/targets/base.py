"""What a target is: a row of data, a frozen configuration, and a back end of three functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from dvfl.manifest import Artifact, OperatorReport, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvfl.bundle import Bundle
    from dvfl.model import VideoFocalNet
    from dvfl.spec import PreprocessingSpec
    from dvfl_converter.program import Program


class TargetConfig(BaseModel):
    """Options of one conversion; each target has its own class, so a foreign option cannot be passed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only_for: ClassVar[dict[str, tuple[Precision, ...]]] = {}
    precision: Precision

    @classmethod
    def applies(cls, option: str, precision: Precision) -> bool:
        """Whether an option means anything at a precision; ``only_for`` lists those that do not always."""
        return precision in cls.only_for.get(option, (precision,))

    def calibrates(self) -> bool:
        """Whether the conversion measures activation ranges on calibration clips."""
        return False

    def options(self) -> dict[str, str]:
        """The options besides the precision, as the manifest records them."""
        values = self.model_dump(exclude={"precision"}).items()
        return {name: str(value) for name, value in values if self.applies(name, self.precision)}


@dataclass(frozen=True)
class Converted:
    """What a back end says of the artifact it wrote."""

    input_name: str
    output_name: str
    operators: OperatorReport
    tools: dict[str, str]


class Backend(Protocol):
    """The module ``targets/<name>/backend.py``."""

    def lowered(self, network: VideoFocalNet, spec: PreprocessingSpec) -> Program:
        """The network in the form this target runs best; raw 0..255 clips in, logits out."""
        ...

    def convert(
        self, program: Program, config: TargetConfig, calibration: Sequence[NDArray[np.uint8]], path: Path
    ) -> Converted:
        """Converts a program and writes the artifact to ``path``."""
        ...

    def operators(self, program: Program) -> OperatorReport:
        """Where each operator of a program would run, without writing an artifact."""
        ...


class Taps(Protocol):
    """Reads the float tensors that an artifact, or its re-conversion, computes for one clip."""

    def __call__(
        self, bundle: Bundle, artifact: Artifact, clip: NDArray[np.uint8]
    ) -> Iterator[NDArray[np.float32]]: ...


@dataclass(frozen=True)
class Target:
    """A row of the registry.

    Attributes:
        name: as in ``--target`` and the manifest.
        title: for people.
        suffix: of the artifact's file name.
        default_precisions: converted when none is asked for.
        refused: why a precision does not apply, in the target's own words.
        config: the configuration class.
        backend: import path of the module that implements :class:`Backend`.
        packages: importable packages the back end needs.
        runs_here: whether a runtime for the artifact exists on this machine.
        not_run_reason: what the report says when it does not.
        taps: import path of a module with ``intermediate_tensors``.
        taps_reconvert: they are a re-conversion's, because the runtime shows none of the artifact's.
    """

    name: str
    title: str
    suffix: str
    default_precisions: tuple[Precision, ...]
    refused: dict[Precision, str]
    config: type[TargetConfig]
    backend: str
    packages: tuple[str, ...]
    runs_here: bool = True
    not_run_reason: str = ""
    taps: str | None = None
    taps_reconvert: bool = False

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions this target converts to."""
        known: tuple[Precision, ...] = ("fp32", "fp16", "int8")
        return tuple(precision for precision in known if precision not in self.refused)
