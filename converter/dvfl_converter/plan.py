"""What to convert: every choice is checked here, before any work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from dvfl.errors import ConversionError
from dvfl.manifest import Precision
from dvfl.model.variants import INPUT_STRIDE
from dvfl.suggestions import unknown
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.targets.base import Int8Choice, Target, TargetConfig
from dvfl_converter.targets.registry import TARGETS

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Conversion:
    """One artifact to make; ``plan`` is the quantisation plan of ``--quantization-plan``."""

    target: Target
    config: TargetConfig
    plan: QuantizationPlan | None = None

    @property
    def name(self) -> str:
        """``target-precision``."""
        return f"{self.target.name}-{self.config.precision}"

    @property
    def file(self) -> str:
        """The artifact's path in the bundle."""
        return f"artifacts/model.{self.config.precision}{self.target.suffix}"

    @property
    def int8(self) -> Int8Choice | Literal["given"] | None:
        """How its quantisation plan is found; ``None`` where it needs none."""
        return "given" if self.plan is not None else self.config.int8_choice()

    @property
    def needs_calibration(self) -> bool:
        """Whether it cannot be made without calibration clips; a search then leaves static int8 out."""
        return self.plan.calibrates if self.plan is not None else self.int8 == "static"


def plan_conversions(
    targets: Sequence[str],
    precisions: Sequence[str],
    settings: Sequence[str] = (),
    quantization: Sequence[QuantizationPlan] = (),
) -> tuple[Conversion, ...]:
    """The artifacts asked for.

    Args:
        targets: names; none means all.
        precisions: ``fp32``, or ``litert=int8`` for one target only; none means each target's default.
        settings: ``target.option=value``.
        quantization: plans, each for the int8 artifact of its target.

    Raises:
        ConversionError: an unknown name, or an option that does not apply; the choices are listed.
    """
    chosen = [_target(name) for name in dict.fromkeys(targets or TARGETS)]
    options = _options(settings, chosen)
    wanted = _precisions(precisions, chosen)
    _check_options_apply(options, wanted)
    plans = _plans(quantization, options, wanted)
    return tuple(
        Conversion(
            target,
            _config(target, precision, options.get(target.name, {})),
            plans.get(target.name) if precision == "int8" else None,
        )
        for target in chosen
        for precision in wanted[target.name]
    )


def check_clip_shape(frames: int | None, size: int | None) -> None:
    """Refuses a clip the network cannot take."""
    if frames is not None and frames < 1:
        raise ConversionError(f"--frames must be at least 1, not {frames}")
    if size is not None and (size < INPUT_STRIDE or size % INPUT_STRIDE):
        raise ConversionError(f"--size must be a multiple of {INPUT_STRIDE}, not {size}")


def _target(name: str) -> Target:
    if name not in TARGETS:
        raise ConversionError(unknown("target", name, TARGETS))
    return TARGETS[name]


def _precisions(asked: Sequence[str], chosen: Iterable[Target]) -> Mapping[str, tuple[Precision, ...]]:
    by_target: dict[str, list[Precision]] = {target.name: [] for target in chosen}
    for item in asked:
        scope, _, word = item.rpartition("=")
        if scope and scope not in by_target:
            raise ConversionError(f"--precision {item}: {unknown('target', scope, by_target)}")
        for name in [scope] if scope else list(by_target):
            precision = _precision(word, TARGETS[name])
            if precision not in by_target[name]:
                by_target[name].append(precision)
    return {name: tuple(found) or TARGETS[name].default_precisions for name, found in by_target.items()}


def _precision(word: str, target: Target) -> Precision:
    for known in PRECISIONS:
        if word == known and known in target.refused:
            raise ConversionError(
                f"{target.name}: no {word}: {target.refused[known]}; choose {' or '.join(target.precisions)}"
            )
        if word == known:
            return known
    raise ConversionError(unknown("precision", word, PRECISIONS))


def _options(settings: Sequence[str], chosen: Iterable[Target]) -> dict[str, dict[str, str]]:
    names = [target.name for target in chosen]
    options: dict[str, dict[str, str]] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        target, dot, option = key.partition(".")
        if not (equals and dot and option and value):
            raise ConversionError(f"--set {setting}: write TARGET.OPTION=VALUE, e.g. litert.int8=static")
        if target not in names:
            raise ConversionError(f"--set {setting}: {unknown('target', target, names)}")
        known = [name for name in TARGETS[target].config.model_fields if name != "precision"]
        if option not in known:
            raise ConversionError(f"--set {setting}: {target} has {unknown('option', option, known)}")
        options.setdefault(target, {})[option] = value
    return options


def _check_options_apply(
    options: Mapping[str, Mapping[str, str]], wanted: Mapping[str, tuple[Precision, ...]]
) -> None:
    for name, chosen in options.items():
        config = TARGETS[name].config
        for option in chosen:
            if not any(config.applies(option, precision) for precision in wanted[name]):
                needed = " or ".join(config.only_for[option])
                raise ConversionError(
                    f"--set {name}.{option}: applies to {needed} only, but {name} is asked for "
                    f"{', '.join(wanted[name])}; add --precision {name}={config.only_for[option][0]}"
                )


def _plans(
    given: Iterable[QuantizationPlan],
    options: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, tuple[Precision, ...]],
) -> dict[str, QuantizationPlan]:
    plans: dict[str, QuantizationPlan] = {}
    for plan in given:
        if plan.target not in wanted:
            raise ConversionError(f"--quantization-plan: {unknown('target', plan.target, wanted)}")
        if "int8" not in wanted[plan.target]:
            raise ConversionError(
                f"--quantization-plan: no int8 of {plan.target} is asked for; "
                f"add --precision {plan.target}=int8"
            )
        if plan.target in plans:
            raise ConversionError(f"--quantization-plan: two plans for {plan.target}; give one")
        if "int8" in options.get(plan.target, {}):
            raise ConversionError(
                f"--quantization-plan: --set {plan.target}.int8 says otherwise; leave one out"
            )
        plans[plan.target] = plan
    return plans


def _config(target: Target, precision: Precision, given: Mapping[str, str]) -> TargetConfig:
    options = {name: value for name, value in given.items() if target.config.applies(name, precision)}
    try:
        return target.config(precision=precision, **options)
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(map(str, first["loc"]))
        raise ConversionError(
            f"{target.name}: option '{option}': {first['msg']}, not '{first['input']}'"
        ) from None
