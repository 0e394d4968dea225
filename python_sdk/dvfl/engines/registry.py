"""The engines as data, and the choice of one for a bundle. Importing this imports no runtime."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from dvfl.bundle import Bundle
from dvfl.engines.base import Engine
from dvfl.errors import BundleError, EngineError
from dvfl.manifest import Artifact
from dvfl.suggestions import unknown

Loader = Callable[[Bundle, Artifact | None, int | None], Engine]
REFERENCE_PRECISION = "fp32"
_PLATFORM_NAMES = {"darwin": "macOS", "linux": "Linux", "win32": "Windows"}


@dataclass(frozen=True)
class EngineRow:
    """One engine.

    Attributes:
        name: what a user types; the manifest's ``target`` of the artifacts it runs.
        package: the import package that must be installed.
        extra: the extra of this distribution that installs it.
        loader: ``module:function`` of its :data:`Loader`, imported only when it is used.
        platforms: values of ``sys.platform`` it runs on; empty means every one.
        runs_reference: it runs the bundle's reference checkpoint in place of an artifact.
    """

    name: str
    package: str
    extra: str
    loader: str
    platforms: tuple[str, ...] = ()
    runs_reference: bool = False

    def obstacle(self) -> str | None:
        """Why it cannot run on this machine, and what to do, or ``None`` if it can."""
        if self.platforms and sys.platform not in self.platforms:
            names = " and ".join(_PLATFORM_NAMES.get(name, name) for name in self.platforms)
            return f"engine '{self.name}' runs only on {names}; choose another engine"
        if not _is_installed(self.package):
            return f"engine '{self.name}' is not installed; pip install 'dvfl[{self.extra}]'"
        return None

    def load(self, bundle: Bundle, artifact: Artifact | None, threads: int | None) -> Engine:
        """Imports the engine and loads the artifact, or the reference, into it.

        Raises:
            EngineError: it cannot run here, or cannot load the file.
            BundleError: the file is missing or was changed.
        """
        if obstacle := self.obstacle():
            raise EngineError(obstacle)
        module, _, function = self.loader.partition(":")
        try:
            load = cast(Loader, getattr(importlib.import_module(module), function))
            return load(bundle, artifact, threads)
        except EngineError as error:
            if artifact is None or artifact.min_runtime is None:
                raise
            raise EngineError(f"{error} (the artifact is right from {artifact.min_runtime} on)") from error
        except ImportError as error:
            raise EngineError(
                f"engine '{self.name}' does not import ({error}); pip install --upgrade 'dvfl[{self.extra}]'"
            ) from error


# The order is that of the default choice: the small runtimes that phones use first, the reference last.
ENGINES: dict[str, EngineRow] = {
    row.name: row
    for row in (
        EngineRow("litert", "ai_edge_litert", "litert", "dvfl.engines.litert:load"),
        EngineRow("executorch", "executorch", "executorch", "dvfl.engines.executorch:load"),
        EngineRow("coreml", "coremltools", "coreml", "dvfl.engines.coreml:load", platforms=("darwin",)),
        EngineRow("torch", "torch", "torch", "dvfl.engines.torch_reference:load", runs_reference=True),
    )
}


@dataclass(frozen=True)
class Selection:
    """What to run: an engine and, but for the reference engine, the artifact."""

    row: EngineRow
    artifact: Artifact | None

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.row.name

    @property
    def precision(self) -> str:
        """The artifact's precision; the reference is fp32."""
        return REFERENCE_PRECISION if self.artifact is None else self.artifact.precision


def select_engine(bundle: Bundle, engine: str | None = None, precision: str | None = None) -> Selection:
    """Chooses without loading anything.

    Without an engine: the first of :data:`ENGINES` that is installed, runs on this platform and has an
    artifact here; artifacts that failed their gate come last. Without a precision: the first in the
    manifest that did not fail its gate.

    Raises:
        EngineError: the name is unknown, or no engine of the bundle can run here.
        BundleError: the bundle holds no such artifact.
    """
    if engine is not None:
        if engine not in ENGINES:
            raise EngineError(unknown("engine", engine, ENGINES))
        return _selection(bundle, ENGINES[engine], precision)
    held = _held(bundle, precision)
    if not held:
        # Names what the bundle does hold.
        return _selection(bundle, next(iter(ENGINES.values())), precision)
    runnable = [choice for choice in held if choice.row.obstacle() is None]
    if not runnable:
        raise EngineError("; ".join(str(choice.row.obstacle()) for choice in held))
    return min(runnable, key=_failed_its_gate)


def open_engine(
    bundle: Bundle, engine: str | Artifact, precision: str | None = None, threads: int | None = None
) -> Engine:
    """Loads an engine by name, or the engine of an artifact.

    Args:
        bundle: where the artifact lies; its sha256 is compared first.
        engine: a name of :data:`ENGINES`, or an artifact of the bundle.
        precision: see :func:`select_engine`; not for an artifact, which has its own.
        threads: CPU threads; ``None`` leaves it to the engine.

    Raises:
        EngineError: unknown, not installed, not for this platform, or the artifact does not load.
        BundleError: the bundle holds no such artifact, or its bytes were changed.
    """
    if threads is not None and threads < 1:
        raise EngineError(f"threads must be at least 1, not {threads}")
    named = (engine.target, engine.precision) if isinstance(engine, Artifact) else (engine, precision)
    choice = select_engine(bundle, *named)
    return choice.row.load(bundle, choice.artifact, threads)


def _selection(bundle: Bundle, row: EngineRow, precision: str | None) -> Selection:
    if not row.runs_reference:
        return Selection(row, bundle.artifact(row.name, precision))
    if precision not in (None, REFERENCE_PRECISION):
        raise EngineError(f"engine '{row.name}' runs the fp32 reference only, not {precision}")
    if bundle.manifest.reference is None:
        raise BundleError(
            f"{bundle.root}: holds no reference checkpoint for engine '{row.name}'; convert again"
        )
    return Selection(row, None)


def _held(bundle: Bundle, precision: str | None) -> list[Selection]:
    held = []
    for row in ENGINES.values():
        try:
            held.append(_selection(bundle, row, precision))
        except (BundleError, EngineError):
            continue
    return held


def _failed_its_gate(choice: Selection) -> bool:
    return choice.artifact is not None and choice.artifact.parity.status == "failed"


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
