"""The reference network's weights as data, with every exact fold applied.

Folded once, for all targets: normalisation into the patch convolution, each LayerNorm's affine into
the linear layers behind it, and each projection's centring into its convolution. The modulation's
``f`` and ``f_temporal`` are split into query, contexts and gates, so that no wide tensor is sliced; one
narrow layer computes both gates. What is left differs from target to target: layouts and layer types.

The residual stream is carried at an eighth of its size. Everything that reads it is a LayerNorm, which
no scale changes when its eps is scaled too, and everything that writes it is linear: a power of two costs
nothing and rounds nothing. In fp16 the squares of LayerNorm overflow otherwise; the human-action student
reached 90,184 on one of its own test clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dvfl.model import VideoFocalNet
from dvfl.model.variants import FOCAL_KERNELS
from dvfl_converter.lowering.folding import Affine, centre_outputs, fold_affine, fold_normalisation

LEVELS = len(FOCAL_KERNELS)
RESIDUAL_SCALE = 0.125
LAYER_NORM_EPS = 1e-5 * RESIDUAL_SCALE**2

_State = Mapping[str, Tensor]


@dataclass(frozen=True)
class ProjectionWeights:
    """A strided patch convolution whose outputs sum to zero over channels, then LayerNorm's affine.

    ``conv`` is ``[out, in, patch, patch]``; ``scale`` and ``shift`` are ``[out]`` and write the residual
    stream.
    """

    conv: Affine
    scale: Tensor
    shift: Tensor


@dataclass(frozen=True)
class ModulationWeights:
    """Linear layers ``[out, in]``; depthwise kernels ``[C, 1, k, k]``; temporal kernels ``[C, C, k]``.

    ``gates`` are the spatial branch's, one per level and one for the mean, then the temporal branch's.
    """

    query: Affine
    gates: Affine
    spatial_context: Affine
    spatial_kernels: tuple[Tensor, ...]
    spatial_out: Affine
    temporal_context: Affine
    temporal_kernels: tuple[Tensor, ...]
    temporal_out: Affine
    proj: Affine


@dataclass(frozen=True)
class BlockWeights:
    """A residual block; both of its LayerNorms are left without an affine."""

    modulation: ModulationWeights
    fc1: Affine
    fc2: Affine


@dataclass(frozen=True)
class StageWeights:
    """Blocks at one resolution, then the step to the next one."""

    blocks: tuple[BlockWeights, ...]
    downsample: ProjectionWeights | None


@dataclass(frozen=True)
class NetworkWeights:
    """The whole network; ``head`` follows a LayerNorm without affine and a mean over all tokens."""

    patch_embed: ProjectionWeights
    stages: tuple[StageWeights, ...]
    head: Affine


def fold_network(reference: VideoFocalNet, mean: Sequence[float], std: Sequence[float]) -> NetworkWeights:
    """Folds a reference network and its input normalisation."""
    state = {key: value.detach() for key, value in reference.state_dict().items()}
    patch = fold_normalisation(
        *_affine(state, "patch_embed.proj"),
        torch.tensor(mean, dtype=torch.float64),
        torch.tensor(std, dtype=torch.float64),
    )
    depths = reference.architecture.depths
    return NetworkWeights(
        patch_embed=_projection(state, "patch_embed", _scaled(patch)),
        stages=tuple(
            StageWeights(
                blocks=tuple(_block(state, f"layers.{stage}.blocks.{block}") for block in range(depth)),
                downsample=_downsample(state, f"layers.{stage}.downsample"),
            )
            for stage, depth in enumerate(depths)
        ),
        head=fold_affine(*_affine(state, "head"), *_affine(state, "norm")),
    )


def _block(state: _State, prefix: str) -> BlockWeights:
    return BlockWeights(
        modulation=_modulation(state, f"{prefix}.modulation", _affine(state, f"{prefix}.norm1")),
        fc1=fold_affine(*_affine(state, f"{prefix}.mlp.fc1"), *_affine(state, f"{prefix}.norm2")),
        fc2=_scaled(_affine(state, f"{prefix}.mlp.fc2")),
    )


def _modulation(state: _State, prefix: str, norm: Affine) -> ModulationWeights:
    dim = norm[0].numel()
    f = fold_affine(*_affine(state, f"{prefix}.f"), *norm)
    f_temporal = fold_affine(*_affine(state, f"{prefix}.f_temporal"), *norm)
    return ModulationWeights(
        query=_rows(f, 0, dim),
        gates=_joined(_rows(f, 2 * dim, None), _rows(f_temporal, dim, None)),
        spatial_context=_rows(f, dim, 2 * dim),
        spatial_kernels=tuple(state[f"{prefix}.focal_layers.{level}.0.weight"] for level in range(LEVELS)),
        spatial_out=_flattened(_affine(state, f"{prefix}.h")),
        temporal_context=_rows(f_temporal, 0, dim),
        temporal_kernels=tuple(
            state[f"{prefix}.focal_layers_temporal.{level}.0.weight"] for level in range(LEVELS)
        ),
        temporal_out=_flattened(_affine(state, f"{prefix}.h_temporal")),
        proj=_scaled(_affine(state, f"{prefix}.proj")),
    )


def _downsample(state: _State, prefix: str) -> ProjectionWeights | None:
    if f"{prefix}.proj.weight" not in state:
        return None
    weight, bias = _affine(state, f"{prefix}.proj")
    # Its input is scaled already.
    return _projection(state, prefix, (weight, bias * RESIDUAL_SCALE))


def _projection(state: _State, prefix: str, conv: Affine) -> ProjectionWeights:
    scale, shift = _scaled(_affine(state, f"{prefix}.norm"))
    return ProjectionWeights(centre_outputs(*conv), scale, shift)


def _scaled(affine: Affine) -> Affine:
    return affine[0] * RESIDUAL_SCALE, affine[1] * RESIDUAL_SCALE


def _affine(state: _State, prefix: str) -> Affine:
    return state[f"{prefix}.weight"], state[f"{prefix}.bias"]


def _rows(affine: Affine, start: int, stop: int | None) -> Affine:
    return affine[0][start:stop], affine[1][start:stop]


def _joined(first: Affine, second: Affine) -> Affine:
    """Two linear layers of one input as one."""
    return torch.cat((first[0], second[0])), torch.cat((first[1], second[1]))


def _flattened(affine: Affine) -> Affine:
    """A convolution of kernel size 1 as a linear layer ``[out, in]``."""
    return affine[0].flatten(1), affine[1]
