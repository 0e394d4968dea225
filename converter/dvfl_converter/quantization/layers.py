"""The layers of a lowered network that a quantisation plan decides about, and groups of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dvfl_converter.program import Program

# By path in the lowered network, which all targets share; the first that fits.
ROLES = (
    (re.compile(r"\.modulation\.temporal_layers\."), "temporal convolutions"),
    (re.compile(r"\.modulation\."), "modulation"),
    (re.compile(r"\.fc[12]$"), "MLP"),
    (re.compile(r"\.proj$"), "downsampling"),
)
OTHER = "other layers"
FEWEST_CHANNELS = 8


@dataclass(frozen=True)
class Layer:
    """A linear layer or a convolution that mixes channels.

    ``path`` is its attribute path in the lowered network, ``width`` the smaller of its channel counts, which
    tells stages apart, ``macs`` its multiply-accumulates for one clip.
    """

    path: str
    role: str
    width: int
    macs: int
    weights: int


@dataclass(frozen=True)
class Group:
    """Layers of one role, and of one stage where ``width`` is given: they are quantised alike."""

    role: str
    width: int | None
    layers: tuple[Layer, ...]

    @property
    def name(self) -> str:
        """``temporal convolutions, 384 channels``."""
        return self.role if self.width is None else f"{self.role}, {self.width} channels"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all its layers for one clip."""
        return sum(layer.macs for layer in self.layers)


def quantisable_layers(program: Program) -> tuple[Layer, ...]:
    """Every layer of a program that a runtime can compute in int8, in the order in which they run.

    Left out are layers that save next to nothing and would cost, with the human-action student's figures:

    - of few channels: means, whose rounding every later layer would inherit; gates, at which ExecuTorch
      splits its delegate when they are dynamic; the patch embedding, whose weights' rounding is multiplied by
      the pixels' mean (1 % of the MACs; static or dynamic alone, 15 dB were left on ExecuTorch);
    - depthwise: XNNPACK quantises none dynamically, and one alone would split the delegate;
    - the head, which runs once a clip (static alone, 11 dB were left on LiteRT).
    """
    found: dict[str, Layer] = {}
    handles = [
        module.register_forward_hook(_recorder(path, found))
        for path, module in program.module.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and _mixes_channels(module)
    ]
    try:
        with torch.no_grad():
            program.module(*program.example)
    finally:
        for handle in handles:
            handle.remove()
    return tuple(found.values())


def grouped(layers: Iterable[Layer], *, by_stage: bool) -> tuple[Group, ...]:
    """Layers by role and, with ``by_stage``, by width; in the order in which a group first runs."""
    groups: dict[tuple[str, int | None], list[Layer]] = {}
    for layer in layers:
        groups.setdefault((layer.role, layer.width if by_stage else None), []).append(layer)
    return tuple(Group(role, width, tuple(members)) for (role, width), members in groups.items())


def _mixes_channels(module: nn.Linear | nn.Conv2d) -> bool:
    return min(module.weight.shape[:2]) >= FEWEST_CHANNELS


def _recorder(path: str, found: dict[str, Layer]) -> Callable[[nn.Module, object, Tensor], None]:
    def record(module: nn.Module, _inputs: object, output: Tensor) -> None:
        assert isinstance(module, nn.Linear | nn.Conv2d), "only such modules are hooked"
        weight = module.weight
        positions = output.numel() // weight.shape[0]
        if positions == 1:
            return
        found[path] = Layer(
            path, _role(path), min(weight.shape[:2]), positions * weight.numel(), weight.numel()
        )

    return record


def _role(path: str) -> str:
    return next((role for pattern, role in ROLES if pattern.search(path)), OTHER)
