"""The published JSON Schema of the manifest: current, and true of a real bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

SPEC = Path(__file__).resolve().parents[2] / "spec"


def test_the_schema_is_what_its_script_makes() -> None:
    subprocess.run([sys.executable, SPEC / "make_manifest_schema.py", "--check"], check=True)


def test_a_real_manifest_is_valid_and_an_unknown_field_is_not(tiny_bundle: Path) -> None:
    schema = json.loads((SPEC / "manifest.schema.json").read_text())
    manifest = json.loads((tiny_bundle / "manifest.json").read_text())
    jsonschema.validate(manifest, schema)
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate({**manifest, "surprise": 1}, schema)
