"""Options of a Core ML conversion."""

from __future__ import annotations

from typing import Literal

from dvfl_converter.targets.base import TargetConfig


class CoreMLConfig(TargetConfig):
    """Core ML options.

    Attributes:
        minimum_deployment_target: the oldest iOS that loads the artifact; newer ones have more operators.
    """

    minimum_deployment_target: Literal["iOS16", "iOS17", "iOS18"] = "iOS16"
