"""Exported programs: the module a target converts, and what can be read off its graph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.export import ExportedProgram

Layout = Literal["THWC", "TCHW"]

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_NOT_THE_MODEL = ("/torch/", "/litert_torch/", "/executorch/exir/")
_PACKAGE_ROOTS = re.compile(r".*/(?:site-packages|converter|python_sdk|training)/")


@dataclass(frozen=True)
class Program:
    """A module and an example input, ready for :func:`torch.export.export`.

    ``layout`` names the axes of the first input when it is a clip; ``None`` for a foreign model.
    """

    module: nn.Module
    example: tuple[Tensor, ...]
    layout: Layout | None

    def exported(self) -> ExportedProgram:
        """The ATen graph of the module."""
        with torch.no_grad():
            return torch.export.export(self.module.eval(), self.example)

    def input_of(self, clip: NDArray[np.uint8]) -> Tensor:
        """The module's input for a uint8 clip ``[T, H, W, 3]``: float32 in ``layout``, values unchanged."""
        axes = ["THWC".index(axis) for axis in self.layout or "THWC"]
        return torch.from_numpy(np.ascontiguousarray(clip.transpose(axes), dtype=np.float32))


def source_line(node: torch.fx.Node) -> str | None:
    """``package/file.py:line`` of the model code that produced a node, leaving framework frames out."""
    frames = list(_FRAME.finditer(node.stack_trace or ""))
    model = [frame for frame in frames if not any(part in frame["file"] for part in _NOT_THE_MODEL)]
    if not (chosen := model or frames):
        return None
    return f"{_PACKAGE_ROOTS.sub('', chosen[-1]['file'])}:{chosen[-1]['line']}"


def layer_path(node: torch.fx.Node) -> str:
    """Attribute path of the module that made a node, as in ``named_modules``; empty for the outermost."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(list(stack.values())[-1][0]) if stack else ""


def operator_name(node: torch.fx.Node) -> str:
    """``aten.linear`` for any overload of it, in ATen or edge dialect; a convolution says its dimensions."""
    target = node.target
    if not isinstance(target, OpOverload):
        target = getattr(target, "_op", target)
    if not isinstance(target, OpOverload):
        return getattr(target, "__name__", str(target))
    name = str(target.overloadpacket)
    if name == "aten.convolution":
        return f"aten.convolution (Conv{len(_shape(node.args[1])) - 2}d)"
    return name


def calls(graph: torch.fx.Graph) -> Iterator[torch.fx.Node]:
    """The operator calls of a graph, without tuple unpacking."""
    for node in graph.nodes:
        if node.op == "call_function" and getattr(node.target, "__name__", "") != "getitem":
            yield node


def multiply_accumulates(node: torch.fx.Node) -> int:
    """Multiply-accumulates of one node, from its shapes; 0 for everything but convolutions and products."""
    name = operator_name(node).removeprefix("aten.").partition(" ")[0]
    shapes = [_shape(argument) for argument in node.args]
    out = _shape(node)
    if name in _CONVOLUTIONS:
        weight = shapes[1]
        return _numel(out) * _numel(weight[1:])
    if name == "linear":
        return _numel(out) * shapes[1][-1]
    if name in ("mm", "bmm", "matmul"):
        return _numel(out) * shapes[0][-1]
    if name in ("addmm", "baddbmm"):
        return _numel(out) * shapes[1][-1]
    if name == "scaled_dot_product_attention":
        return 2 * _numel(shapes[0]) * shapes[1][-2]
    return 0


_CONVOLUTIONS = {"convolution", "conv1d", "conv2d", "conv3d", "conv2d.padding"}


def total_macs(program: ExportedProgram) -> int:
    """Multiply-accumulates of a whole program."""
    return sum(multiply_accumulates(node) for node in calls(program.graph))


def _shape(value: Any) -> tuple[int, ...]:
    meta = value.meta.get("val") if isinstance(value, torch.fx.Node) else value
    if isinstance(meta, tuple | list):
        meta = meta[0] if meta else None
    return tuple(int(size) for size in meta.shape) if isinstance(meta, Tensor) else ()


def _numel(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
