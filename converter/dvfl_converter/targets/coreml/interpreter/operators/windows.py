"""Paddings of sliding windows, shared by convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments

Paddings = list[tuple[int, int]]
PAD_TYPES = ("valid", "custom", "same", "same_lower")


def per_axis(given: Arguments, name: str, count: int) -> tuple[int, ...]:
    """An optional vector of one positive number per spatial axis, 1 by default."""
    values = given.integers(name, (1,) * count)
    if len(values) != count or min(values) < 1:
        given.contradict(f"'{name}' {list(values)} for {count} spatial axes")
    return values


def paddings(
    given: Arguments, sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int], default: str
) -> Paddings:
    """Elements before and after each spatial axis.

    Args:
        sizes: the input's spatial shape.
        windows: how far each window reaches, dilation included.

    ``same`` pads to ``ceil(size / stride)`` results, the odd element after, for ``same_lower`` before.
    """
    kind = given.choice("pad_type", PAD_TYPES, default)
    if kind == "valid":
        return [(0, 0)] * len(sizes)
    if kind == "custom":
        pad = given.integers("pad", (0,) * 2 * len(sizes))
        if len(pad) != 2 * len(sizes):
            given.contradict(f"'pad' {list(pad)} for {len(sizes)} spatial axes")
        return list(zip(pad[::2], pad[1::2], strict=True))
    found = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + window - size)
        less, more = total // 2, total - total // 2
        found.append((less, more) if kind == "same" else (more, less))
    return found
