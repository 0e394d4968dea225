"""What a conversion starts from: every file is read and checked here, before any work."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvfl.errors import ConversionError
from dvfl.model.checkpoint import Checkpoint, TrainedClip, load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl_converter.clips import NamedClip, check_unseen, find_videos, patterns, read_clips
from dvfl_converter.labels import read_labels
from dvfl_converter.parity.stress import Stress, stress_clips
from dvfl_converter.plan import Conversion, check_clip_shape
from dvfl_converter.quantization.clips import selection_patterns, split
from dvfl_converter.targets.registry import load_backend


@dataclass(frozen=True)
class Request:
    """Everything a user asks of one conversion.

    ``frames`` and ``size`` are ``None`` for what the checkpoint was trained on, or for the published input
    where it does not say. ``keep_refused`` leaves int8 artifacts in the bundle that do not earn their place.
    ``compress`` is the largest relative error of a temporal convolution of lower rank, ``None`` for as it is.
    ``stress`` tells on which clips made to hurt the artifacts are proved besides.
    """

    checkpoint: Path
    labels: Path
    out: Path
    conversions: tuple[Conversion, ...]
    frames: int | None = None
    size: int | None = None
    clips: tuple[Path, ...] = ()
    calibration: Path | None = None
    replace: bool = False
    keep_refused: bool = False
    compress: float | None = None
    stress: Stress = "patterns"


@dataclass(frozen=True)
class Inputs:
    """The request's files, read.

    Attributes:
        clips: on which the artifacts are proved.
        stress: made to hurt; the artifacts are proved on them by gates of their own.
        calibration: uint8 ``[T, H, W, 3]``, for the activation ranges of static int8, and for compression.
        selection: on which quantisation plans are compared; neither of the other two.
        warning: empty if there is none.
        recorded: options of every artifact, which tell what was done to the weights.
    """

    checkpoint: Checkpoint
    labels: tuple[str, ...]
    spec: PreprocessingSpec
    clips: tuple[NamedClip, ...]
    calibration: tuple[NDArray[np.uint8], ...]
    selection: tuple[NamedClip, ...]
    stress: tuple[NamedClip, ...] = ()
    warning: str = ""
    recorded: dict[str, str] = field(default_factory=dict)


def read_inputs(request: Request) -> Inputs:
    """Reads the checkpoint, the labels and all clips.

    Raises:
        DvflError: one of them is unusable, or a target's packages are missing.
    """
    check_clip_shape(request.frames, request.size)
    for conversion in request.conversions:
        load_backend(conversion.target)
    checkpoint = load_checkpoint(request.checkpoint)
    labels = read_labels(request.labels, checkpoint.architecture.num_classes)
    spec, warning = input_of(checkpoint, request.frames, request.size)
    clips = read_clips(request.clips, spec) or patterns(spec)
    calibration, selection = _read_calibration(request, spec)
    stress = () if request.stress == "off" else stress_clips(spec)
    return Inputs(checkpoint, labels, spec, clips, calibration, selection, stress, warning)


def input_of(checkpoint: Checkpoint, frames: int | None, size: int | None) -> tuple[PreprocessingSpec, str]:
    """The contract of the phone's input: what the checkpoint was trained on, unless another is asked for.

    Another size keeps the proportion of short side to size, so that the phone sees as much of the picture.

    Returns:
        It, and a warning where it is not what the checkpoint was trained on; empty otherwise.
    """
    spec, trained = PreprocessingSpec.default(), checkpoint.clip
    if trained is not None:
        spec = spec.with_clip(trained.frames, trained.size, trained.short_side)
    spec = spec.with_clip(frames, size)
    asked = TrainedClip(spec.temporal.frames, spec.crop.size, spec.resize.short_side)
    if trained is None or asked == trained:
        return spec, ""
    return spec, f"trained on {trained}; converted for {asked}, at which its accuracy is another"


def _read_calibration(
    request: Request, spec: PreprocessingSpec
) -> tuple[tuple[NDArray[np.uint8], ...], tuple[NamedClip, ...]]:
    """Calibration and selection clips."""
    searching = any(conversion.int8 == "search" for conversion in request.conversions)
    calibrating = [conversion.name for conversion in request.conversions if conversion.needs_calibration]
    if request.compress is not None and not (request.calibration and request.clips):
        raise ConversionError(
            "--compress needs --calibration-clips DIR to fit the layers on, and --clip VIDEO to judge them by"
        )
    if request.calibration is None:
        if calibrating:
            raise ConversionError(f"{calibrating[0]}: static int8 needs --calibration-clips DIR")
        return (), selection_patterns(spec) if searching else ()
    if not calibrating and not searching and request.compress is None:
        raise ConversionError(
            "--calibration-clips only applies to --compress, and to int8 of LiteRT and ExecuTorch, searched "
            "for or static; add e.g. --precision int8, or leave it out"
        )
    paths = find_videos(request.calibration)
    check_unseen(request.clips, paths)
    clips = read_clips(paths, spec)
    planned = any(conversion.int8 == "given" for conversion in request.conversions)
    # A plan that a search found is repeated with the clips that calibrated it.
    if not searching and not (planned and len(clips) > 1):
        return tuple(clip.pixels for clip in clips), ()
    calibration, selection = split(clips)
    if not selection:
        raise ConversionError(
            f"{request.calibration}: holds one clip; the search calibrates on half of the clips and chooses "
            "on the others: give 2 or more, better 64, or leave --calibration-clips out"
        )
    return tuple(clip.pixels for clip in calibration), selection if searching else ()
