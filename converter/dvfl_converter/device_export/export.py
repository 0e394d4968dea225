"""Writing the folder: the bundle as phones need it, and the scripts that run the test with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from dvfl.bundle import MANIFEST_FILE, Bundle
from dvfl.errors import BundleError
from dvfl_converter.staging import staged_folder

SCRIPTS = ("android.sh", "ios.sh", "README.md")
LABELS_FILE = "labels.txt"


def export(bundle: Bundle, out: Path) -> None:
    """Copies what a phone needs of a bundle, every file compared with its sha256 first.

    The PyTorch checkpoint stays behind: phones cannot use it, and apps must not ship it.

    Raises:
        BundleError: a file is missing or was changed, or there are no reference vectors to run.
        OutputError: ``out`` exists, or cannot be written.
    """
    if not bundle.manifest.reference_vectors:
        raise BundleError(f"{bundle.root}: holds no reference vectors; convert again with --clip VIDEO")
    needed = [*bundle.manifest.artifacts, *bundle.manifest.reference_vectors]
    sources = {stored.file: bundle.verified(stored) for stored in needed}
    for name in (MANIFEST_FILE, LABELS_FILE):
        sources[name] = bundle.root / name
    with staged_folder(out, replace=False) as folder:
        for name, source in sources.items():
            target = folder / "bundle" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        for script in SCRIPTS:
            shutil.copy(Path(__file__).with_name(script), folder / script)
