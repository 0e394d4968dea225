"""Data sets of small videos, and the numbered videos that the tests of ``dvfl.video`` use."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "dvfl"))
