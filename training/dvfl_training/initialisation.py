"""Starting from trained weights: those of an image network, or of this network on another data set.

Keys of the spatial layers are the same in github microsoft/FocalNet (Yang et al., arXiv 2203.11926;
``classification/focalnet.py``); the temporal layers have no counterpart there and start as they were. The
published student takes FocalNet-Tiny with small receptive fields (``focalnet_tiny_srf.pth``). A checkpoint of
this network also gives its temporal layers, and one of a smaller network grows.

But for fine-tuning, the head is never taken: its rows are other classes, and where the features were
normalised while training, that normalisation is folded into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from dvfl.errors import CheckpointError
from dvfl.model import Architecture, VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint, read_content
from dvfl_training.engine.released import read_trained_on
from dvfl_training.errors import TrainingError
from dvfl_training.growing import grow, grows_into
from dvfl_training.network import TrainingNetwork

_NEW_HEAD = "the head starts anew, for the classes of this data set"


@dataclass(frozen=True)
class Account:
    """What a file gave to a network.

    Attributes:
        loaded: keys that were taken.
        head: the head's keys in the file; left as they were.
        other_shape: other keys of both, with the file's shape and the network's; left as they were.
        missing: keys of the network that the file lacks; left as they were.
        unused: keys of the file that the network lacks.
        grown_from: the file's smaller network, whose features the network starts with.
    """

    loaded: tuple[str, ...]
    head: tuple[str, ...]
    other_shape: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    grown_from: Architecture | None = None

    def lines(self) -> list[str]:
        """For a person to read."""
        if self.grown_from is not None:
            depths = "-".join(map(str, self.grown_from.depths))
            small = f"width {self.grown_from.width}, depths {depths}"
            return [f"grown from {small}: the same features at the start", _NEW_HEAD]
        matched = len(self.loaded) + len(self.head) + len(self.other_shape)
        first = f"{matched} of {matched + len(self.missing)} keys match by name"
        temporal = sum("temporal" in key for key in self.missing)
        if self.missing:
            first += f"; {len(self.missing)} start as they were"
        if temporal:
            first += f", {temporal} of them temporal"
        lines = [first, _NEW_HEAD]
        for key, (found, wanted) in self.other_shape.items():
            lines.append(f"{key}: the file has {list(found)}, the network {list(wanted)}; starts as it was")
        if self.unused:
            lines.append(f"{len(self.unused)} keys of the file are not used, such as {self.unused[0]}")
        return lines


def begin(network: TrainingNetwork, path: Path, classes: Sequence[str]) -> list[str]:
    """Gives a network the weights of a file, in the way that its configuration asks for.

    Args:
        classes: in the order of the labels.

    Returns:
        What was taken, for a person to read.

    Raises:
        CheckpointError: the file cannot be read.
        TrainingError: its weights do not fit.
    """
    if network.ranks is None:
        return load_initial_weights(path, network.network).lines()
    load_to_fine_tune(path, network.network, classes)
    lower = network.ranks.read(network.network)
    return [f"goes on as it is; {lower} temporal kernels keep a rank below the full one"]


def settings_of(path: Path) -> tuple[str, ...]:
    """The settings by which a checkpoint is trained further: its size, and its clip where it states one.

    Raises:
        CheckpointError: the file cannot be read.
    """
    checkpoint = load_checkpoint(path)
    architecture, clip = checkpoint.architecture, checkpoint.clip
    found = (
        "model.fine_tune=true",
        f"model.depths={list(architecture.depths)}",
        f"model.width={architecture.width}",
    )
    if clip is None:
        return found
    return (
        *found,
        f"clip.frames={clip.frames}",
        f"clip.size={clip.size}",
        f"clip.short_side={clip.short_side}",
    )


def load_to_fine_tune(path: Path, network: VideoFocalNet, classes: Sequence[str]) -> None:
    """Copies every weight, the head's too.

    Raises:
        CheckpointError: the file cannot be read.
        TrainingError: it is another network, or one for other classes.
    """
    checkpoint = load_checkpoint(path)
    named = read_trained_on(path).classes
    if named and named != tuple(classes):
        raise TrainingError(
            f"{path}: tells {len(named)} classes ({named[0]}, ...) apart, the data set has {len(classes)} "
            f"({classes[0]}, ...); fine-tuning needs the same in the same order, --init starts with others"
        )
    if checkpoint.architecture != network.architecture:
        raise TrainingError(
            f"{path}: is {checkpoint.architecture}, not {network.architecture}; fine-tuning keeps "
            "the network as it is: leave model.depths and model.width out, and give its own data set"
        )
    network.load_state_dict(checkpoint.weights)


def load_initial_weights(path: Path, network: VideoFocalNet) -> Account:
    """Copies every tensor whose key and shape match, except the head's, into ``network``.

    The checkpoint of a network that :func:`grows_into` this one is grown instead. No code of the file runs.

    Raises:
        CheckpointError: the file cannot be read.
        TrainingError: it holds no weights, hardly any that match, or one that is not finite.
    """
    given = _weights(read_content(path), path)
    own = network.state_dict()
    small = _smaller(path, network.architecture)
    if small is not None:
        grow(small, network)
        taken = tuple(key for key in given if not _of_head(key))
        return Account(taken, ("head.weight", "head.bias"), {}, (), (), grown_from=small.architecture)
    same = {
        key: value
        for key, value in given.items()
        if key in own and not _of_head(key) and value.shape == own[key].shape
    }
    body = [key for key in own if "temporal" not in key and not _of_head(key)]
    if 2 * sum(key in same for key in body) < len(body):
        raise TrainingError(
            f"{path}: only {len(same)} of {len(own)} weights match{_widths(given, own)}; "
            "give a FocalNet of this width with two focal levels, such as focalnet_tiny_srf.pth, "
            "or best.pth of a run"
        )
    broken = [key for key, value in same.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise TrainingError(f"{path}: '{broken[0]}' holds values that are not finite; download it again")
    network.load_state_dict(same, strict=False)
    return Account(
        loaded=tuple(same),
        head=tuple(key for key in own if key in given and _of_head(key)),
        other_shape={
            key: (tuple(given[key].shape), tuple(own[key].shape))
            for key in own
            if key in given and key not in same and not _of_head(key)
        },
        missing=tuple(key for key in own if key not in given),
        unused=tuple(key for key in given if key not in own),
    )


def _smaller(path: Path, architecture: Architecture) -> VideoFocalNet | None:
    """The file's network if it is a smaller one of this family."""
    try:
        checkpoint = load_checkpoint(path)
    except CheckpointError:
        return None
    same_body = replace(checkpoint.architecture, num_classes=architecture.num_classes) == architecture
    if same_body or not grows_into(checkpoint.architecture, architecture):
        return None
    return checkpoint.network()


def _of_head(key: str) -> bool:
    return key.startswith("head.")


def _widths(given: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    """What to change where nothing else is wrong than the width; empty otherwise."""
    key = "patch_embed.norm.weight"
    if key not in given or given[key].shape == own[key].shape:
        return ""
    return f": it has width {given[key].numel()}, model.width is {own[key].numel()}"


def _weights(content: object, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        content = content["model"]
    items = content.items() if isinstance(content, Mapping) else ()
    weights = {str(key): value for key, value in items if isinstance(value, Tensor)}
    if not weights:
        raise TrainingError(
            f"{path}: holds no weights; give a file such as focalnet_tiny_srf.pth, or best.pth of a run"
        )
    return weights
