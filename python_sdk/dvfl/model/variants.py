"""The Video-FocalNet family as data: the student (nano) and its teachers."""

from __future__ import annotations

from dataclasses import dataclass, replace

PATCH_SIZE = 4
FOCAL_KERNELS = (3, 5)
MLP_RATIO = 4
INPUT_STRIDE = 32


@dataclass(frozen=True)
class Architecture:
    """Every number that fixes the shapes of a network's tensors.

    Attributes:
        depths: blocks in each of the four stages.
        width: channels after the patch embedding; stage ``s`` has ``width * 2**s``.
        num_classes: rows of the classifier head.
    """

    depths: tuple[int, int, int, int]
    width: int
    num_classes: int

    @property
    def stage_widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.depths)))

    def with_classes(self, num_classes: int) -> Architecture:
        """The same network with another classifier head."""
        return replace(self, num_classes=num_classes)


VARIANTS: dict[str, Architecture] = {
    "nano": Architecture(depths=(1, 1, 2, 1), width=96, num_classes=400),
    "tiny": Architecture(depths=(2, 2, 6, 2), width=96, num_classes=400),
    "small": Architecture(depths=(2, 2, 18, 2), width=96, num_classes=400),
    "base": Architecture(depths=(2, 2, 18, 2), width=128, num_classes=400),
}


def variant_name(architecture: Architecture) -> str:
    """``nano`` for the published student, ``nano-w32`` for its depths at another width, else the numbers."""
    for name, known in VARIANTS.items():
        if known.with_classes(architecture.num_classes) == architecture:
            return name
    for name, known in VARIANTS.items():
        if known.depths == architecture.depths:
            return f"{name}-w{architecture.width}"
    return f"focal-{'-'.join(map(str, architecture.depths))}-w{architecture.width}"
