"""Which quantisation plan an int8 artifact gets: the user's, one scheme throughout, or the best one found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dvfl.errors import ConversionError
from dvfl_converter.inputs import Inputs
from dvfl_converter.parity.compare import LogitsByClip
from dvfl_converter.parity.gates import GATES
from dvfl_converter.plan import Conversion
from dvfl_converter.quantization import cache
from dvfl_converter.quantization.laboratory import laboratory, tightened
from dvfl_converter.quantization.layers import grouped, quantisable_layers
from dvfl_converter.quantization.plan import QuantizationPlan, Scheme, uniform
from dvfl_converter.quantization.search import Found, search
from dvfl_converter.workshop import Workshop


@dataclass(frozen=True)
class Searched:
    """A search and whether its result was remembered from an earlier one."""

    found: Found
    remembered: bool


def find(
    conversion: Conversion,
    workshop: Workshop,
    inputs: Inputs,
    reference: LogitsByClip,
    doing: Callable[[str], None],
) -> Searched:
    """Searches for the cheapest plan that passes on the selection clips, or recalls what was found.

    Args:
        conversion: to int8, by search.
        workshop: makes and runs the artifacts.
        inputs: their selection and calibration clips.
        reference: PyTorch's logits of the selection clips.
        doing: told what is tried.
    """
    target, gate = conversion.target, tightened(GATES["int8"])
    key = cache.question(target, inputs, gate)
    if (known := cache.recall(key)) is not None:
        return Searched(known, remembered=True)
    layers = quantisable_layers(workshop.program(target, "int8"))
    schemes: list[Scheme] = [scheme for scheme in target.schemes if scheme != "static" or inputs.calibration]
    with laboratory(workshop, conversion, inputs.selection, reference, gate, doing) as lab:
        found = search(target.name, grouped(layers, by_stage=target.by_stage), schemes, lab)
    cache.remember(key, found)
    return Searched(found, remembered=False)


def plan_without_search(conversion: Conversion, workshop: Workshop) -> QuantizationPlan | None:
    """The user's plan, or one scheme for every layer; ``None`` where the artifact needs no plan.

    Raises:
        ConversionError: the plan is about another network, or quantises nothing.
    """
    if conversion.int8 is None:
        return None
    target = conversion.target
    paths = [layer.path for layer in quantisable_layers(workshop.program(target, "int8"))]
    if conversion.plan is None:
        assert conversion.int8 in ("dynamic", "static"), "a search is not decided here"
        return uniform(target.name, paths, conversion.int8)
    conversion.plan.check(target.name, paths, target.schemes)
    if not conversion.plan.quantises:
        raise ConversionError(f"{target.name}: the quantisation plan leaves every layer as it is")
    return conversion.plan


def chosen(found: Found, name: str) -> QuantizationPlan:
    """The plan to use.

    Raises:
        ConversionError: no plan with int8 passes; says which came closest and what it missed.
    """
    if found.chosen is not None:
        return found.chosen.plan
    closest = max(found.trials, key=lambda trial: trial.snr_db)
    raise ConversionError(
        f"{name}: no int8 plan is accurate enough on the selection clips; the closest, {closest.name}: "
        f"{closest.missed}"
    )
