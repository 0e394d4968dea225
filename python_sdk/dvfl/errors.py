"""Typed errors. Each message is one line: what is wrong, where, and what to do."""

from __future__ import annotations


class DvflError(Exception):
    """Base of every error this project raises on purpose; the command line prints it as one line."""


class SpecError(DvflError):
    """A preprocessing spec is missing, malformed or contradicts itself."""


class FrameError(DvflError, ValueError):
    """A frame or clip cannot be: its planes, pixels, size, crop rectangle, rotation or presentation time."""


class VideoError(DvflError):
    """A video cannot be read: missing, corrupt, empty, without a video stream, or in an unknown format."""


class CheckpointError(DvflError):
    """A file is not a checkpoint of this model family."""


class LabelsError(DvflError):
    """Labels are unreadable or do not match the classifier head."""


class BundleError(DvflError):
    """A bundle is missing, altered, of an unknown schema version, or points outside its folder."""


class DeviceResultsError(DvflError):
    """A file of device results is unreadable, contradicts itself, or belongs to another bundle."""


class EngineError(DvflError):
    """An engine is not installed, cannot load an artifact, or returned something that is no logits vector."""


class ClosedError(DvflError):
    """A recognizer was used after ``close()``."""


class ConversionError(DvflError):
    """A target refused an option or failed to convert the model."""


class ArtifactError(DvflError):
    """An artifact's own file is damaged, or contradicts itself."""


class UnsupportedOperatorError(DvflError):
    """An operator, one of its arguments, or a type is unknown to the interpreter that was to evaluate it."""


class GateError(DvflError):
    """An artifact was made and executed, but missed a tolerance or a budget."""


class OutputError(DvflError):
    """An output path cannot be written."""
