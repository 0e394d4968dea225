"""Data sets of their real size, of which only the lists exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dvfl_training.data.manifest import Manifest
from dvfl_training.data.prepare import Options, Prepared, prepare
from dvfl_training.data.probing import Probed
from dvfl_training.data.sources import listing
from dvfl_training.data.sources.listing import Request
from dvfl_training.data.sources.registry import source_named

Pretend = Callable[[Iterable[str]], None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Makes a data set find these files, relative to its root, without a file on disk."""

    def use(paths: Iterable[str]) -> None:
        found = list(paths)
        monkeypatch.setattr(listing, "_videos", lambda _: iter(found))

    return use


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Prepared]:
    """Prepares a data set whose clips all have 100 frames."""

    def prepared(
        name: str, root: Path, *, allow_missing: bool = False, share: float = 0.1, **asked
    ) -> Prepared:
        options = Options(tmp_path / "made.csv", share, workers=0, allow_missing=allow_missing)
        return prepare(source_named(name), Request(root, **asked), options, probe=lambda _: Probed(100, 25.0))

    return prepared


@pytest.fixture
def counts() -> Callable[[Manifest], dict[str, int]]:
    """The number of clips of each split."""
    return lambda manifest: dict(Counter(entry.split.value for entry in manifest.entries))
