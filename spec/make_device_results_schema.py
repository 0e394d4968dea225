"""Writes ``device-results.schema.json`` from the strict models that read it; ``--check`` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dvfl.device_results import DeviceResults

SCHEMA_FILE = Path(__file__).resolve().parent / "device-results.schema.json"


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of a file of device results."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **DeviceResults.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Writes the file, or exits 1 if ``--check`` finds it stale."""
    if "--check" not in sys.argv[1:]:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    elif SCHEMA_FILE.read_text(encoding="utf-8") != schema_text():
        sys.exit(f"{SCHEMA_FILE.name} is stale; run: python spec/make_device_results_schema.py")


if __name__ == "__main__":
    main()
