"""Temporal convolutions of low rank, run in two steps: fewer multiplications, the same result.

A kernel of rank r (:mod:`dvfl.model.low_rank`) reads r directions of its input: a reduction, narrow taps.
The reference stays the plain network with dense kernels, and every way to a lowered network (converting,
checking, benchmarking) finds the same ranks. Kernels of full rank stay as they are.

The first kernel's reduction follows a linear layer, with which it is one matrix; it costs nothing at all.
Zero padding commutes with the reduction, because it has no bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from dvfl.model.low_rank import factorised
from dvfl_converter.lowering.folding import Affine
from dvfl_converter.lowering.weights import ModulationWeights


def with_folded_reduction(weights: ModulationWeights) -> ModulationWeights:
    """The same modulation, whose temporal context has only as many channels as the first kernel reads."""
    first, *others = weights.temporal_kernels
    found = factorised(first)
    if found.rank == first.shape[1]:
        return weights
    return replace(
        weights,
        temporal_context=_reduced(weights.temporal_context, found.reduce),
        temporal_kernels=(found.taps, *others),
    )


def in_two_steps(
    kernel: Tensor,
    dense: Callable[[Affine], nn.Module],
    convolution: Callable[[Tensor], nn.Module],
    outputs: Callable[[Tensor], int],
) -> nn.Module:
    """The temporal convolution of a kernel ``[O, I, k]``: reduction, then taps, where that saves products.

    Args:
        dense: makes a linear layer in the target's form.
        convolution: makes the convolution over time of a kernel in the target's form.
        outputs: m of the F(m, k) that ``convolution`` takes for a kernel, 1 for the direct form.
    """
    found = factorised(kernel)

    def products(taps: Tensor) -> float:
        m, k = outputs(taps), taps.shape[2]
        return taps.shape[0] * taps.shape[1] * (m + k - 1) / m

    if found.reduce.numel() + products(found.taps) >= products(kernel):
        return convolution(kernel)
    no_bias = torch.zeros(found.rank, dtype=kernel.dtype)
    return nn.Sequential(dense((found.reduce, no_bias)), convolution(found.taps))


def _reduced(affine: Affine, reduce: Tensor) -> Affine:
    """``reduce (W x + b)`` as one linear layer."""
    weight, bias = affine
    wide = reduce.double()
    return (wide @ weight.double()).to(weight.dtype), (wide @ bias.double()).to(bias.dtype)
