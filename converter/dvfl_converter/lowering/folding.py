"""Exact weight rewrites shared by the targets: each folds one step of the network into its neighbour.

Every function takes and returns plain ``(weight, bias)`` pairs and computes in float64, so that the
folded float32 weights are the correctly rounded ones.
"""

from __future__ import annotations

from torch import Tensor

Affine = tuple[Tensor, Tensor]


def fold_normalisation(weight: Tensor, bias: Tensor, mean: Tensor, std: Tensor) -> Affine:
    """Folds ``(x - mean) / std`` into the convolution that follows it.

    ``W (x - m) / s + b = (W / s) x + (b - sum(W m / s))``. Exact only without zero padding.

    Args:
        weight: ``[out, in, kh, kw]``. bias: ``[out]``. mean, std: ``[in]``.
    """
    scaled = weight.double() / std.double().view(1, -1, 1, 1)
    shift = (scaled * mean.double().view(1, -1, 1, 1)).sum(dim=(1, 2, 3))
    return scaled.to(weight.dtype), (bias.double() - shift).to(bias.dtype)


def fold_affine(weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor) -> Affine:
    """Folds LayerNorm's ``scale * n + shift`` into the linear layer that follows it.

    ``W (g n + h) + b = (W g) n + (b + W h)``.

    Args:
        weight: ``[out, in]``. bias: ``[out]``. scale, shift: ``[in]``.
    """
    wide = weight.double()
    return (wide * scale.double()).to(weight.dtype), (bias.double() + wide @ shift.double()).to(bias.dtype)


def centre_outputs(weight: Tensor, bias: Tensor) -> Affine:
    """Makes a convolution's output channels sum to zero at every position.

    LayerNorm subtracts the channel mean, which is linear in the convolution's weights:
    ``y - mean_c(y) = (W - mean_o(W)) x + (b - mean_o(b))``.
    """
    wide = weight.double()
    centred = wide - wide.mean(dim=0, keepdim=True)
    return centred.to(weight.dtype), (bias.double() - bias.double().mean()).to(bias.dtype)
