"""The device results file: its schema is current, and its reader lets nothing doubtful through."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from dvfl.device_results import Device, read_device_results
from dvfl.errors import DeviceResultsError

SPEC = Path(__file__).resolve().parents[2] / "spec"
CLIP = {"clip": "000", "logits": [0.5, -1], "max_abs_error": 1e-6, "top1_agrees": True}
RUN = {
    "target": "litert", "precision": "fp32", "artifact_sha256": "0c" * 32, "accelerator": "cpu",
    "threads": 4, "runtime": "LiteRT 2.16.1", "status": "ran", "reason": None, "load_ms": 12.3,
    "first_ms": 30, "clips": [CLIP], "latency_ms": {"runs": 50, "min": 1, "p50": 2.5, "p90": 3},
    "memory_bytes": 123456, "thermal_before": "none", "thermal_after": None,
}  # fmt: skip
FILE = {
    "schema_version": 1,
    "manifest_sha256": "ab" * 32,
    "created_at": "2026-11-22T10:00:00Z",
    "device": {
        "manufacturer": "Google", "model": "Pixel 8", "os": "Android", "os_version": "15", "soc": None,
    },
    "sdk": {"name": "dvfl-android", "version": "0.1.0"},
    "runs": [RUN],
}  # fmt: skip

Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(data: Any) -> Path:
        path = tmp_path / "phone.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return run


def changed(*where: str | int, to: Any) -> dict[str, Any]:
    """The good file with one value replaced or added."""
    data: Any = copy.deepcopy(FILE)
    inner = data
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = to
    return data  # type: ignore[no-any-return]


def refusal(path: Path) -> str:
    with pytest.raises(DeviceResultsError) as error:
        read_device_results(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_schema_is_what_its_script_makes() -> None:
    subprocess.run([sys.executable, SPEC / "make_device_results_schema.py", "--check"], check=True)


def test_the_schema_takes_a_good_file_and_no_unknown_field() -> None:
    schema = json.loads((SPEC / "device-results.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(FILE, schema)
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(changed("runs", 0, "surprise", to=1), schema)


def test_the_explanation_names_every_field_and_its_example_is_one_but_for_its_cut_hashes(
    write: Write,
) -> None:
    text = (SPEC / "device-results.md").read_text()
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    example["manifest_sha256"] = example["runs"][0]["artifact_sha256"] = "ab" * 32
    read_device_results(write(example))
    latency = RUN["latency_ms"]
    assert isinstance(latency, dict)
    device = FILE["device"]
    assert isinstance(device, dict)
    for field in (*FILE, *RUN, *CLIP, *latency, *device):
        assert f"`{field}`" in text or f"`{field}[]`" in text


def test_a_good_file_is_read_as_written(write: Write) -> None:
    results = read_device_results(write(FILE))
    assert json.loads(results.model_dump_json()) == FILE
    assert (results.device.name, results.runs[0].artifact) == ("Google Pixel 8", "litert-fp32")


def test_what_may_be_null_may_be_left_out(write: Write) -> None:
    optional = {key for key, value in RUN.items() if value is None} | {
        "threads", "load_ms", "first_ms", "latency_ms", "memory_bytes", "thermal_before",
    }  # fmt: skip
    short = {key: value for key, value in RUN.items() if key not in optional}
    run = read_device_results(write(changed("runs", to=[short]))).runs[0]
    assert all(getattr(run, key) is None for key in optional)


def test_a_manufacturer_is_not_said_twice() -> None:
    device = Device(manufacturer="OnePlus", model="ONEPLUS A6003", os="Android", os_version="11")
    assert device.name == "ONEPLUS A6003"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (changed("schema_version", to=2), "schema version 2, this dvfl reads 1"),
        ([], "schema version None"),
        ("{", "not JSON (line 1"),
        (changed("colour", to=1), "colour: unknown field"),
        (changed("runs", 0, "gpu", to=1), "runs.0.gpu: unknown field"),
        (changed("device", "model", to=""), "device.model: "),
        (changed("manifest_sha256", to="AB" * 32), "manifest_sha256: "),
        (changed("created_at", to="2026-11-22T10:00:00"), "created_at: "),
        (changed("created_at", to=1763805600), "created_at: "),
        (changed("runs", to=[]), "runs: "),
        (changed("runs", to=[RUN, RUN]), "two runs have the same artifact"),
        (changed("runs", 0, "accelerator", to="Apple GPU"), "runs.0.accelerator: "),
        (changed("runs", 0, "precision", to="fp8"), "runs.0.precision: "),
        (changed("runs", 0, "threads", to="4"), "runs.0.threads: "),
        (changed("runs", 0, "threads", to=0), "runs.0.threads: "),
        (changed("runs", 0, "status", to="failed"), "a failed run needs a reason"),
        (changed("runs", 0, "clips", to=[]), "a run with status 'ran' needs clips"),
        (changed("runs", 0, "clips", to=[CLIP, CLIP]), "a clip occurs twice"),
        (changed("runs", 0, "clips", 0, "logits", 0, to=float("nan")), "runs.0.clips.0.logits.0: "),
        (changed("runs", 0, "clips", 0, "logits", 0, to=1e39), "runs.0.clips.0.logits.0: "),
        (changed("runs", 0, "clips", 0, "max_abs_error", to=-1), "max_abs_error: "),
        (changed("runs", 0, "latency_ms", "p90", to=2), "min 1.0 <= p50 2.5 <= p90 2.0 does not hold"),
        (changed("runs", 0, "memory_bytes", to=1.5), "runs.0.memory_bytes: "),
    ],
)
def test_a_doubtful_file_is_refused_in_one_line(write: Write, data: Any, said: str) -> None:
    assert said in refusal(write(data))


def test_a_missing_a_binary_and_a_folder_are_refused_in_one_line(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    assert "unreadable" in refusal(tmp_path / "binary.json")
    assert "unreadable" in refusal(tmp_path)
