"""Options of a LiteRT conversion."""

from __future__ import annotations

from typing import ClassVar, Literal

from dvfl.manifest import Precision
from dvfl_converter.targets.base import TargetConfig


class LiteRTConfig(TargetConfig):
    """LiteRT (TFLite) options.

    Attributes:
        int8: ``dynamic`` quantises weights, and activations as they come; ``static`` also fixes the
            activation ranges, measured on calibration clips.
    """

    only_for: ClassVar[dict[str, tuple[Precision, ...]]] = {"int8": ("int8",)}

    int8: Literal["dynamic", "static"] = "dynamic"

    def calibrates(self) -> bool:
        """Only static int8 does."""
        return self.precision == "int8" and self.int8 == "static"
