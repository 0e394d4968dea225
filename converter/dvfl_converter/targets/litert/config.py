"""Options of a LiteRT conversion."""

from __future__ import annotations

from dvfl_converter.targets.base import LayerwiseConfig


class LiteRTConfig(LayerwiseConfig):
    """LiteRT (TFLite) options."""
