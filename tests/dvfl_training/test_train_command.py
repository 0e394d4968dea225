"""The training command."""

from __future__ import annotations

import subprocess
import sys


def test_its_help_needs_no_heavy_import() -> None:
    code = (
        "import sys, dvfl_training.cli; "
        "print(sorted({'torch', 'cv2', 'skimage', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
