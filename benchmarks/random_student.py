"""Writes a random student in the released checkpoint format, with labels: real size, random weights."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from dvfl.model import VARIANTS, VideoFocalNet


def main(variant: str = "nano", classes: str = "101", folder: str = "demo") -> None:
    """Writes ``<folder>/<variant>.pth`` and ``<folder>/<variant>.txt``."""
    torch.manual_seed(0)
    network = VideoFocalNet(VARIANTS[variant].with_classes(int(classes)))
    for parameter in network.parameters():
        # The initialisation is so small that hardly any branch reaches the logits; trained weights are not.
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    torch.save({"model": network.state_dict(), "max_accuracy": 0.0, "epoch": 0}, out / f"{variant}.pth")
    labels = "".join(f"class {index}\n" for index in range(int(classes)))
    (out / f"{variant}.txt").write_text(labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
