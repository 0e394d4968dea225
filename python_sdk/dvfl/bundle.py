"""Reading a bundle: the one thing that crosses from the converter to a phone."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from dvfl.errors import BundleError
from dvfl.hashing import sha256_file, sha256_path
from dvfl.manifest import SCHEMA_VERSION, Artifact, Manifest, ReferenceVector, StoredFile

MANIFEST_FILE = "manifest.json"
LABELS_FILE = "labels.txt"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder and its validated manifest."""

    root: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Bundle:
        """Reads and validates ``manifest.json``.

        Artifacts are hashed when they are used, by :meth:`verified`.

        Raises:
            BundleError: the folder or manifest is missing, malformed or of another schema version.
        """
        root = Path(path)
        if not root.is_dir():
            raise BundleError(f"{root}: no such bundle folder; make one with 'dvfl convert'")
        return cls(root, _read_manifest(root / MANIFEST_FILE))

    @property
    def manifest_sha256(self) -> str:
        """Hex digest of the manifest's bytes; a file about this bundle names it."""
        return sha256_file(self.root / MANIFEST_FILE)

    def resolve(self, stored: StoredFile) -> Path:
        """The absolute path of a stored file, refused if a link leads out of the bundle."""
        root = self.root.resolve()
        path = (root / stored.file).resolve()
        if not path.is_relative_to(root):
            raise BundleError(f"{self.root}: '{stored.file}' leads outside the bundle; convert again")
        if not path.exists():
            raise BundleError(f"{self.root}: '{stored.file}' is missing; copy the whole folder again")
        return path

    def verified(self, stored: StoredFile) -> Path:
        """Like :meth:`resolve`, after comparing the sha256.

        Raises:
            BundleError: the bytes are not those the converter wrote.
        """
        path = self.resolve(stored)
        if sha256_path(path) != stored.sha256:
            raise BundleError(
                f"{self.root}: '{stored.file}' was changed after conversion (sha256 differs); "
                "copy the bundle again or convert again"
            )
        return path

    def artifact(self, target: str, precision: str | None = None) -> Artifact:
        """The artifact of a target; without a precision, the first that did not fail its gate.

        Raises:
            BundleError: the bundle holds no such artifact; the message lists those it holds.
        """
        of_target = [artifact for artifact in self.manifest.artifacts if artifact.target == target]
        if precision is None:
            of_target.sort(key=lambda artifact: artifact.parity.status == "failed")
        found = [artifact for artifact in of_target if precision in (None, artifact.precision)]
        if not found:
            held = ", ".join(artifact.name for artifact in self.manifest.artifacts) or "none"
            wanted = target if precision is None else f"{target}-{precision}"
            raise BundleError(f"{self.root}: no artifact '{wanted}'; this bundle holds: {held}")
        return found[0]

    def reference_clip(self, vector: ReferenceVector) -> NDArray[np.uint8]:
        """A reference vector's clip, uint8 ``[T, H, W, 3]``."""
        path = self.verified(vector)
        try:
            raw = gzip.decompress(path.read_bytes())
            return np.frombuffer(raw, np.uint8).reshape(vector.shape)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise BundleError(f"{path}: not a clip of shape {list(vector.shape)}: {error}") from None


def _read_manifest(path: Path) -> Manifest:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BundleError(
            f"{path.parent}: no {MANIFEST_FILE}, so this is no bundle; make one with 'dvfl convert'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: unreadable: {error}") from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BundleError(
            f"{path}: not JSON (line {error.lineno}: {error.msg}); copy the bundle again"
        ) from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: schema version {version!r}, this dvfl reads {SCHEMA_VERSION}; "
            "convert again or install the dvfl that wrote it"
        )
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "manifest"
        raise BundleError(f"{path}: {where}: {first['msg']}; convert again") from None
