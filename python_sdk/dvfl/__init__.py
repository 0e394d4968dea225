"""Video action recognition from a bundle that ``dvfl convert`` made.

    import dvfl
    with dvfl.ActionRecognizer.open("bundle") as recognizer:
        print(recognizer.recognize("clip.mp4")[0].label)

Names are imported when they are first used, so ``import dvfl`` costs nothing: reading video needs PyAV,
an engine needs its runtime, and nothing here needs torch unless the torch engine is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvfl.bundle import Bundle
    from dvfl.errors import (
        BundleError,
        CheckpointError,
        ClosedError,
        ConversionError,
        DvflError,
        EngineError,
        FrameError,
        GateError,
        LabelsError,
        OutputError,
        SpecError,
        VideoError,
    )
    from dvfl.frame import Clip, ColorMatrix, ColorRange, Frame, Plane, Rect, RgbFrame
    from dvfl.predictions import Prediction
    from dvfl.recognizer import ActionRecognizer
    from dvfl.spec import PreprocessingSpec
    from dvfl.streaming import (
        Entered,
        Event,
        Left,
        Result,
        StreamCounters,
        StreamingActionRecognizer,
        StreamingOptions,
    )
    from dvfl.video import load_clip

    __version__: str

__all__ = [
    "ActionRecognizer",
    "Bundle",
    "BundleError",
    "CheckpointError",
    "Clip",
    "ClosedError",
    "ColorMatrix",
    "ColorRange",
    "ConversionError",
    "DvflError",
    "EngineError",
    "Entered",
    "Event",
    "Frame",
    "FrameError",
    "GateError",
    "LabelsError",
    "Left",
    "OutputError",
    "Plane",
    "Prediction",
    "PreprocessingSpec",
    "Rect",
    "Result",
    "RgbFrame",
    "SpecError",
    "StreamCounters",
    "StreamingActionRecognizer",
    "StreamingOptions",
    "VideoError",
    "__version__",
    "load_clip",
]

_HOMES = {
    "bundle": ("Bundle",),
    "frame": ("Clip", "ColorMatrix", "ColorRange", "Frame", "Plane", "Rect", "RgbFrame"),
    "predictions": ("Prediction",),
    "recognizer": ("ActionRecognizer",),
    "spec": ("PreprocessingSpec",),
    "streaming": (
        "Entered",
        "Event",
        "Left",
        "Result",
        "StreamCounters",
        "StreamingActionRecognizer",
        "StreamingOptions",
    ),
    "video": ("load_clip",),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _HOME_OF:
        raise AttributeError(f"module 'dvfl' has no attribute '{name}'")
    return getattr(importlib.import_module(f"dvfl.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dvfl")
    except PackageNotFoundError:
        # Run from a source tree that was not installed.
        return "0+uninstalled"
