"""Finished searches, kept for the user: the same question is not measured twice."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from dvfl.errors import OutputError
from dvfl.files import atomic_write
from dvfl.manifest import Gate
from dvfl_converter.bench.timing import machine
from dvfl_converter.inputs import Inputs
from dvfl_converter.quantization.search import Found
from dvfl_converter.targets.base import Target

_FOUND = TypeAdapter(Found)
_PACKAGE = Path(__file__).resolve().parents[1]


def question(target: Target, inputs: Inputs, gate: Gate) -> str:
    """A digest of everything that a search's result depends on, this machine and this code included."""
    parts = {
        "target": target.name,
        "schemes": target.schemes,
        "gate": gate.model_dump(),
        "checkpoint": inputs.checkpoint.sha256,
        "preprocessing": inputs.spec.model_dump(mode="json"),
        "calibration": [_digest(pixels) for pixels in inputs.calibration],
        "selection": [_digest(clip.pixels) for clip in inputs.selection],
        "packages": {package: version(package) for package in ("torch", *target.packages)},
        "machine": machine(),
        "code": _code(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def recall(key: str) -> Found | None:
    """What an earlier search found; ``None`` if there was none, or its file is unreadable."""
    try:
        return _FOUND.validate_json(_file(key).read_bytes())
    except (OSError, ValidationError):
        return None


def remember(key: str, found: Found) -> None:
    """Keeps a result; a cache that cannot be written costs time, not the conversion."""
    try:
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(_file(key)) as stream:
            stream.write(_FOUND.dump_json(found))
    except (OSError, OutputError):
        return


def _file(key: str) -> Path:
    return user_cache_path("dvfl") / "quantization" / f"{key}.json"


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for folder in ("lowering", "quantization", "targets"):
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
