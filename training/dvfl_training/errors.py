"""What training refuses. Each message is one line: what is wrong, where, and what to do."""

from __future__ import annotations

from dvfl.errors import DvflError


class DataError(DvflError):
    """A data set on disk, or its manifest, is missing, malformed or contradicts itself."""


class ConfigError(DvflError):
    """A training configuration has an unknown option or a value outside its range."""


class TrainingError(DvflError):
    """Training cannot start, or stopped: a loss that is not finite, an unfit teacher, another run's state."""
