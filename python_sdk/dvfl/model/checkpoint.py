"""Loading a checkpoint: strictly, and without running code from its pickle."""

from __future__ import annotations

import io
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dvfl.errors import CheckpointError
from dvfl.hashing import sha256_file
from dvfl.model.network import VideoFocalNet
from dvfl.model.variants import INPUT_STRIDE, Architecture

_BLOCK_KEY = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.")
_STAGES = 4


@dataclass(frozen=True)
class TrainedClip:
    """What a network saw while it was trained: ``frames`` of ``size`` x ``size`` pixels, cut from the middle
    of videos whose short side was resized to ``short_side``."""

    frames: int
    size: int
    short_side: int

    def __str__(self) -> str:
        return f"{self.frames} x {self.size} x {self.size}, short side {self.short_side}"


@dataclass(frozen=True)
class Checkpoint:
    """Weights that were checked, key by key and shape by shape, against the network they belong to.

    Attributes:
        path: the file they were read from.
        sha256: of that file.
        architecture: inferred from the tensors' shapes.
        weights: float32, keys of the released code.
        clip: what it was trained on; ``None`` where the file does not say, as the released ones.
    """

    path: Path
    sha256: str
    architecture: Architecture
    weights: dict[str, Tensor]
    clip: TrainedClip | None = None

    def network(self) -> VideoFocalNet:
        """The reference network with these weights, in eval mode."""
        with torch.device("meta"):
            network = VideoFocalNet(self.architecture)
        network.load_state_dict(self.weights, strict=True, assign=True)
        return network.eval().requires_grad_(False)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Reads a released checkpoint (``{'model': state_dict, ...}``) or a bare state dict.

    Raises:
        CheckpointError: the file is missing, truncated or no checkpoint, or a key or shape differs
            from the network's; the message names the first. Or its ``config`` names an impossible clip.
    """
    file = Path(path)
    content = read_content(file)
    weights = _state_dict(content, file)
    architecture = _infer_architecture(weights, file)
    _check_keys(weights, architecture, file)
    converted = {key: value.float() for key, value in weights.items()}
    return Checkpoint(file, sha256_file(file), architecture, converted, trained_clip(content, file))


def trained_clip(content: object, file: Path) -> TrainedClip | None:
    """The clip that the ``config`` of a checkpoint's content names; ``None`` if it names none.

    Raises:
        CheckpointError: it is no possible input of the network.
    """
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        return None
    given = (config.get(name) for name in ("frames", "size", "short_side"))
    numbers = [number for number in given if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) < 3:
        return None
    clip = TrainedClip(*numbers)
    if clip.frames < 1 or clip.size < 1 or clip.size % INPUT_STRIDE or clip.short_side < clip.size:
        raise CheckpointError(
            f"{file}: its config names an impossible clip ({clip}); "
            f"the size must be a multiple of {INPUT_STRIDE}, and the short side no less"
        )
    return clip


class _Inert:
    """Stands for any class a checkpoint's pickle names; drops what it is given, runs none of its code."""

    def __init__(self, *_: object, **__: object) -> None:
        """Accepts the arguments of a pickled call."""

    def __setstate__(self, _: object) -> None:
        """Accepts a pickled object's attributes."""

    def __setitem__(self, _: object, __: object) -> None:
        """Accepts the items of a pickled dict subclass, which arrive without a call of ``__init__``."""

    def append(self, _: object) -> None:
        """Accepts list items of a pickled list subclass."""

    def extend(self, _: object) -> None:
        """Accepts list items of a pickled list subclass."""


_ALLOWED = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch.nn.parameter", "Parameter"),
    ("torch.serialization", "_get_layout"),
    ("torch", "device"),
    ("torch", "Size"),
}


class _InertUnpickler(pickle.Unpickler):
    """Resolves the few names a state dict needs; every other one becomes :class:`_Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        storage = module == "torch" and name.endswith("Storage")
        dtype = module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        if (module, name) in _ALLOWED or storage or dtype:
            return super().find_class(module, name)
        return _Inert


class _InertPickle:
    """The ``pickle_module`` that :func:`torch.load` is given."""

    __name__ = "dvfl.inert_pickle"
    Unpickler = _InertUnpickler
    UnpicklingError = pickle.UnpicklingError

    @staticmethod
    def load(stream: io.BufferedIOBase, **options: Any) -> Any:
        """Like :func:`pickle.load`, with the inert unpickler."""
        return _InertUnpickler(stream, **options).load()


def read_content(path: str | os.PathLike[str]) -> object:
    """What ``torch.save`` wrote: tensors on the CPU, plain containers and values, nothing else.

    No code of the file runs: an object of any other class becomes an inert one.

    Raises:
        CheckpointError: the file is missing, truncated or was not written by ``torch.save``.
    """
    file = Path(path)
    if not file.exists():
        raise CheckpointError(f"{file}: no such file")
    if file.is_dir():
        raise CheckpointError(f"{file}: is a folder; give the checkpoint file itself (.pth)")
    if file.stat().st_size == 0:
        raise CheckpointError(f"{file}: is empty; download or copy the checkpoint again")
    if not os.access(file, os.R_OK):
        raise CheckpointError(f"{file}: no permission to read it")
    if _is_torchscript(file):
        raise CheckpointError(f"{file}: is a TorchScript program, not a checkpoint; give its state dict")
    try:
        return torch.load(file, map_location="cpu", weights_only=False, pickle_module=_InertPickle)
    except Exception as error:
        hint = "truncated" if _looks_truncated(file) else "not a PyTorch checkpoint"
        kind = type(error).__name__
        raise CheckpointError(f"{file}: {hint} ({kind}); give a file written by torch.save") from None


def _is_torchscript(file: Path) -> bool:
    """Whether :func:`torch.load` would load it as a program, whose own code can run at that moment."""
    try:
        return "constants.pkl" in torch._C.PyTorchFileReader(str(file)).get_all_records()
    except RuntimeError:
        return False


def _looks_truncated(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(2) == b"PK" and not zipfile.is_zipfile(file)


def _state_dict(content: object, file: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        content = content["model"]
    elif isinstance(content, Mapping) and {"job", "network", "optimizer"} <= content.keys():
        raise CheckpointError(f"{file}: is the state of a training run; give best.pth beside it")
    if not isinstance(content, Mapping) or not content:
        kind = "pickled object" if isinstance(content, _Inert) else type(content).__name__
        raise CheckpointError(f"{file}: holds a {kind}, not a state dict or {{'model': state dict}}")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f"{file}: entry {key!r} is no tensor, so this is not a state dict of weights"
            )
    return dict(content)


def _infer_architecture(weights: Mapping[str, Tensor], file: Path) -> Architecture:
    def shape(key: str, ndim: int) -> tuple[int, ...]:
        if key not in weights:
            raise CheckpointError(f"{file}: not a Video-FocalNet checkpoint: key '{key}' is missing")
        if weights[key].ndim != ndim:
            raise CheckpointError(
                f"{file}: '{key}' has shape {list(weights[key].shape)}, expected {ndim} dimensions"
            )
        return tuple(weights[key].shape)

    width = shape("patch_embed.proj.weight", 4)[0]
    num_classes = shape("head.weight", 2)[0]
    blocks = [(int(m[1]), int(m[2])) for key in weights if (m := _BLOCK_KEY.match(key))]
    depths = tuple(len({b for s, b in blocks if s == stage}) for stage in range(_STAGES))
    missing = [stage for stage, depth in enumerate(depths) if depth == 0]
    if missing:
        raise CheckpointError(
            f"{file}: not a Video-FocalNet checkpoint: no 'layers.{missing[0]}.blocks.*' keys"
        )
    return Architecture(
        depths=(depths[0], depths[1], depths[2], depths[3]), width=width, num_classes=num_classes
    )


def _check_keys(weights: Mapping[str, Tensor], architecture: Architecture, file: Path) -> None:
    with torch.device("meta"):
        expected = VideoFocalNet(architecture).state_dict()
    missing = [key for key in expected if key not in weights]
    extra = [key for key in weights if key not in expected]
    if missing or extra:
        first = f"'{missing[0]}' is missing" if missing else f"'{extra[0]}' is not part of the network"
        raise CheckpointError(f"{file}: {first} ({len(missing)} keys missing, {len(extra)} extra)")
    for key, value in weights.items():
        if value.shape != expected[key].shape:
            found, wanted = list(value.shape), list(expected[key].shape)
            raise CheckpointError(f"{file}: '{key}' has shape {found}, expected {wanted}")
        if not value.is_floating_point() or not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                f"{file}: '{key}' holds NaN, infinite or non-float values; the training diverged"
            )
