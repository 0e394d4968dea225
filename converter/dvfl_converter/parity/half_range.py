"""Whether activations fit fp16; a runtime that computes in it makes infinity of anything larger, silently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dvfl_converter.clips import NamedClip
from dvfl_converter.program import Program, operator_name, source_line
from dvfl_converter.targets.base import LARGEST_HALF

__all__ = ["LARGEST_HALF", "Peak", "peak"]


@dataclass(frozen=True)
class Peak:
    """The largest magnitude that a lowered network computes or stores.

    Attributes:
        value: the magnitude, in float32 arithmetic.
        operator: what computes it, as ``aten.mul``; ``weight`` for a stored tensor.
        source: line of the lowering, or the weight's name.
        clip: on which clip; empty for a weight.
    """

    value: float
    operator: str
    source: str
    clip: str

    @property
    def fits(self) -> bool:
        """Whether fp16 holds it."""
        return self.value <= LARGEST_HALF


def peak(program: Program, clips: Iterable[NamedClip]) -> Peak:
    """The peak of a program's weights and of every operator's output over the clips; the input is left out.

    Raises:
        ValueError: something is not finite even in float32.
    """
    graph = program.exported().module()
    assert isinstance(graph, torch.fx.GraphModule), "an exported module is a graph"
    found = max(
        (
            Peak(float(weight.abs().max()), "weight", name, "")
            for name, weight in program.module.named_parameters()
        ),
        key=lambda item: item.value,
    )
    for clip in clips:
        recorder = _Recorder(graph, clip.name, found)
        with torch.no_grad():
            recorder.run(program.input_of(clip.pixels))
        found = recorder.peak
    return found


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and keeps the largest magnitude of any operator's output."""

    def __init__(self, graph: torch.fx.GraphModule, clip: str, so_far: Peak) -> None:
        super().__init__(graph)
        self.peak = so_far
        self._clip = clip

    def run_node(self, n: torch.fx.Node) -> Any:
        """As the interpreter does, and looks at what comes out."""
        result = super().run_node(n)
        if n.op == "call_function" and isinstance(result, Tensor) and result.is_floating_point():
            value = float(result.abs().max())
            if value != value or value == float("inf"):
                raise ValueError(f"{operator_name(n)} at {source_line(n)} is not finite on {self._clip}")
            if value > self.peak.value:
                self.peak = Peak(value, operator_name(n), source_line(n) or "not recorded", self._clip)
        return result
