"""A larger network that starts with the features of a smaller one (Chen et al., Net2Net, arXiv 1511.05641).

Channels are repeated, and what reads them shares its weights out among the copies; a LayerNorm over repeated
channels gives the repeated result, and products of channels repeat as they are. Added blocks end a stage and
have zeros before each residual sum, so that they start as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dvfl.model import Architecture, VideoFocalNet

# A copy's share of a weight differs from one half by up to this: copies that are read alike would get equal
# gradients, and stay copies.
_UNEVEN = 0.25
_ENDS_A_BRANCH = ("modulation.proj.weight", "modulation.proj.bias", "mlp.fc2.weight", "mlp.fc2.bias")


def grows_into(small: Architecture, large: Architecture) -> bool:
    """Whether :func:`grow` can do it: every stage as deep or deeper, and as wide or twice as wide."""
    deeper = all(a <= b for a, b in zip(small.depths, large.depths, strict=True))
    return deeper and large.width in (small.width, 2 * small.width)


@torch.no_grad()
def grow(small: VideoFocalNet, large: VideoFocalNet) -> None:
    """Gives ``large`` the features of ``small``, repeated where it is twice as wide; its head stays.

    :func:`grows_into` holds for their architectures. Shares are drawn from PyTorch's global generator.
    """
    given = small.state_dict()
    for name, weight in large.state_dict().items():
        if name.startswith("head."):
            continue
        if name in given:
            weight.copy_(_enlarged(name, given[name], weight.shape))
        elif name.endswith(_ENDS_A_BRANCH):
            weight.zero_()


def _enlarged(name: str, value: Tensor, shape: torch.Size) -> Tensor:
    """Inputs (axis 1) shared out, then outputs (axis 0) repeated."""
    if value.ndim > 1 and shape[1] == 2 * value.shape[1]:
        share = 0.5 + _UNEVEN * (2 * torch.rand(value.shape) - 1)
        value = torch.cat([value * share, value * (1 - share)], dim=1)
    if shape[0] == value.shape[0]:
        return value
    # The gates of a projection follow its channels and serve all of them, so they do not repeat.
    gates = 2 * value.shape[0] - shape[0]
    channels, rest = value[: value.shape[0] - gates], value[value.shape[0] - gates :]
    # f gives query and context, each of which repeats for itself.
    parts = channels.chunk(2) if ".modulation.f." in name else [channels]
    return torch.cat([*(copy for part in parts for copy in (part, part)), rest])
