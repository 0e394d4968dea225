"""Checkpoints in the released format, which ``dvfl convert`` reads, and what training adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from dvfl.files import atomic_write
from dvfl.model import VideoFocalNet
from dvfl.model.checkpoint import read_content, trained_clip
from dvfl_training.config import ClipConfig, TrainConfig
from dvfl_training.engine.saving import save_tensors


@dataclass(frozen=True)
class TrainedOn:
    """What a network was trained on, as far as its checkpoint says so.

    Attributes:
        classes: in the order of the head's rows; empty where the file names none.
        dataset: its name; empty if unknown.
        clip: what the network saw; ``None`` if unknown.
    """

    classes: tuple[str, ...] = ()
    dataset: str = ""
    clip: ClipConfig | None = None


def write_released(
    network: VideoFocalNet, path: Path, config: TrainConfig, trained_on: TrainedOn, top1: float, epoch: int
) -> None:
    """Writes ``{'model', 'max_accuracy' (percent), 'epoch', 'config'}``.

    Raises:
        OutputError: the file cannot be written; an earlier one stays.
    """
    description = {
        "classes": list(trained_on.classes),
        "dataset": trained_on.dataset,
        "frames": config.clip.frames,
        "size": config.clip.size,
        "short_side": config.clip.short_side,
        "recipe": config.model_dump(mode="json"),
    }
    stored = torch.float16 if config.run.half_checkpoint else torch.float32
    weights = {key: value.to("cpu", stored).contiguous() for key, value in network.state_dict().items()}
    content = {"model": weights, "max_accuracy": 100.0 * top1, "epoch": epoch, "config": description}
    save_tensors(content, path)


def write_labels(classes: tuple[str, ...], path: Path) -> None:
    """One class per line, in the order of the head's rows."""
    with atomic_write(path) as stream:
        stream.write("".join(f"{name}\n" for name in classes).encode())


def read_trained_on(path: Path) -> TrainedOn:
    """What the checkpoint at ``path`` says; empty for a released one, which says nothing that is usable.

    Raises:
        CheckpointError: the file cannot be read, or names an impossible clip.
    """
    content = read_content(path)
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(config.get("classes"), list):
        return TrainedOn()
    clip = trained_clip(content, path)
    return TrainedOn(
        tuple(map(str, config["classes"])),
        str(config.get("dataset", "")),
        None if clip is None else ClipConfig(**asdict(clip)),
    )
