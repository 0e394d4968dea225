"""A quantisation plan: for every layer of one target's network, how it is computed. Written to be edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dvfl.errors import ConversionError
from dvfl.files import atomic_write
from dvfl.suggestions import unknown

Scheme = Literal["fp32", "fp16", "dynamic", "static"]
INT8: tuple[Scheme, ...] = ("dynamic", "static")


class QuantizationPlan(BaseModel):
    """How each layer is computed.

    Attributes:
        target: the target whose network the layers are of.
        layers: by attribute path in the lowered network. ``dynamic`` quantises weights to int8 and
            activations as they come; ``static`` also fixes the activation range, measured on calibration
            clips; ``fp16`` stores weights so; ``fp32`` leaves the layer alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[1] = 1
    target: str
    layers: dict[str, Scheme]

    @property
    def calibrates(self) -> bool:
        """Whether any layer needs activation ranges."""
        return "static" in self.layers.values()

    @property
    def quantises(self) -> bool:
        """Whether any layer is int8."""
        return any(scheme in INT8 for scheme in self.layers.values())

    @property
    def summary(self) -> str:
        """``dynamic`` or, where layers differ, ``42 static, 8 dynamic``."""
        counts = Counter(self.layers.values())
        if len(counts) == 1:
            return next(iter(counts))
        return ", ".join(f"{count} {scheme}" for scheme, count in counts.most_common())

    def paths(self, scheme: Scheme) -> list[str]:
        """The layers of one scheme."""
        return [path for path, chosen in self.layers.items() if chosen == scheme]

    def check(self, target: str, paths: Iterable[str], schemes: Iterable[Scheme]) -> None:
        """Refuses a plan that is not about this network.

        Raises:
            ConversionError: another target's, a layer too many or too few, or a scheme the target lacks.
        """
        known = list(paths)
        if self.target != target:
            raise ConversionError(f"the quantisation plan is for {self.target}, not for {target}")
        for path in self.layers:
            if path not in known:
                raise ConversionError(f"quantisation plan: {unknown('layer', path, known)}")
        if missing := [path for path in known if path not in self.layers]:
            raise ConversionError(
                f"quantisation plan: layer '{missing[0]}' is missing; every layer is needed"
            )
        allowed = ("fp32", *schemes)
        for path, scheme in self.layers.items():
            if scheme not in allowed:
                raise ConversionError(
                    f"quantisation plan: {path}: {target} has no '{scheme}'; choices: {', '.join(allowed)}"
                )


def uniform(target: str, paths: Iterable[str], scheme: Scheme) -> QuantizationPlan:
    """Every layer alike."""
    return QuantizationPlan(target=target, layers=dict.fromkeys(paths, scheme))


def changed(plan: QuantizationPlan, layers: Mapping[str, Scheme]) -> QuantizationPlan:
    """The plan with some layers computed otherwise."""
    return plan.model_copy(update={"layers": {**plan.layers, **layers}})


def read_plan(path: Path) -> QuantizationPlan:
    """Reads a plan.

    Raises:
        ConversionError: it cannot be read or is no plan; the message names the field.
    """
    try:
        return QuantizationPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConversionError(f"{path}: {where}: {first['msg']}; 'dvfl convert' writes plans") from None


def write_plan(plan: QuantizationPlan, path: Path) -> None:
    """Writes a plan, one layer per line."""
    with atomic_write(path) as stream:
        stream.write(plan.model_dump_json(indent=2).encode() + b"\n")
