"""Options of an ExecuTorch conversion."""

from __future__ import annotations

from dvfl_converter.targets.base import LayerwiseConfig


class ExecuTorchConfig(LayerwiseConfig):
    """ExecuTorch (XNNPACK) options."""
