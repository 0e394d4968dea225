"""The spec file, its schema and its typed model say the same, and nothing undefined gets through."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from dvfl.errors import SpecError
from dvfl.spec import PreprocessingSpec, spec_json_schema

SPEC_FILE = Path(__file__).resolve().parents[2] / "spec" / "preprocessing.json"
SCHEMA = json.loads(SPEC_FILE.with_suffix(".schema.json").read_text())
DEFAULT = PreprocessingSpec.default()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The spec's data with one field replaced; a path such as ``crop.size``."""
    data: dict[str, Any] = json.loads(SPEC_FILE.read_text())
    *parents, last = path.split(".")
    target = data
    for parent in parents:
        target = target[parent]
    target[last] = value
    return data


def test_the_default_spec_is_the_file_in_the_repository() -> None:
    assert PreprocessingSpec.read(SPEC_FILE) == DEFAULT


def test_the_released_students_numbers_are_in_the_spec() -> None:
    assert (DEFAULT.temporal.frames, DEFAULT.resize.short_side, DEFAULT.crop.size) == (8, 256, 224)
    assert DEFAULT.normalization.mean == (123.675, 116.28, 103.53)
    assert DEFAULT.normalization.std == (58.395, 57.12, 57.375)


def test_a_spec_survives_json_without_a_change() -> None:
    spec = DEFAULT.with_clip(frames=4, size=112)
    assert PreprocessingSpec.from_json(spec.model_dump_json()) == spec
    assert PreprocessingSpec.model_validate(json.loads(spec.model_dump_json())) == spec


def test_the_schema_file_is_the_schema_of_the_model() -> None:
    assert spec_json_schema() == SCHEMA


def test_the_schema_accepts_the_spec() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(SPEC_FILE.read_text()), SCHEMA)


def test_every_object_of_the_schema_is_closed() -> None:
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    assert all(item["additionalProperties"] is False for item in objects)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("crop.colour", 1),
        ("schema_version", 2),
        ("crop.size", 224.0),
        ("crop.size", "224"),
        ("crop.size", 0),
        ("resize.filter", "bicubic"),
        ("resize.antialias", True),
        ("output.channel_order", "BGR"),
        ("orientation.rotations", [0, 90]),
        ("normalization.std", [0.0, 1.0, 1.0]),
        ("normalization.mean", [1.0, 1.0]),
        ("color.untagged_matrix", "BT2020"),
    ],
)
def test_the_model_and_the_schema_refuse_the_same_change(path: str, value: Any) -> None:
    data = changed(path, value)
    with pytest.raises(SpecError):
        PreprocessingSpec.from_json(json.dumps(data))
    if value != 224.0:  # JSON Schema counts 224.0 as an integer.
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("crop.size", 300, "larger than short_side"),
        ("resize.horizontal_shift", 5, "add up to"),
        ("temporal.minimum_frames", 3, "greater than excluded_frames"),
        ("color.conversions", [], "conversions"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(path: str, value: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        PreprocessingSpec.from_json(json.dumps(changed(path, value)))


def test_a_conversion_may_not_be_defined_twice() -> None:
    conversions = json.loads(SPEC_FILE.read_text())["color"]["conversions"]
    with pytest.raises(SpecError, match="twice"):
        PreprocessingSpec.from_json(json.dumps(changed("color.conversions", conversions + conversions[:1])))


def test_the_error_is_one_line_that_names_the_file_and_the_field(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(changed("crop.size", "big")))
    with pytest.raises(SpecError) as caught:
        PreprocessingSpec.read(path)
    assert str(caught.value).startswith(f"{path}: crop.size: ")
    assert "\n" not in str(caught.value)


def test_a_missing_or_broken_spec_file_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        PreprocessingSpec.read(tmp_path / "none.json")
    with pytest.raises(SpecError, match="Invalid JSON"):
        PreprocessingSpec.from_json("{")


def test_a_spec_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        DEFAULT.crop.size = 112


@pytest.mark.parametrize(("size", "short_side"), [(224, 256), (112, 128), (64, 73), (96, 110), (32, 37)])
def test_another_crop_size_keeps_the_proportion_of_the_short_side(size: int, short_side: int) -> None:
    spec = DEFAULT.with_clip(frames=4, size=size)
    assert (spec.temporal.frames, spec.crop.size, spec.resize.short_side) == (4, size, short_side)
    assert short_side == int(size * 256 / 224 + 0.5)


def test_the_default_clip_is_the_default_spec() -> None:
    assert DEFAULT.with_clip() == DEFAULT == DEFAULT.with_clip(frames=8, size=224)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "8"])
def test_a_clip_of_no_size_is_refused(wrong: Any) -> None:
    with pytest.raises(SpecError, match="positive integer"):
        DEFAULT.with_clip(frames=wrong)
    with pytest.raises(SpecError, match="positive integer"):
        DEFAULT.with_clip(size=wrong)
    with pytest.raises(SpecError, match="positive integer"):
        DEFAULT.with_clip(short_side=wrong)


def test_a_short_side_of_ones_own_is_kept_and_scaled_with_another_size() -> None:
    spec = DEFAULT.with_clip(size=64, short_side=80)
    assert (spec.crop.size, spec.resize.short_side) == (64, 80)
    assert spec.with_clip(frames=4).resize.short_side == 80
    assert spec.with_clip(size=128).resize.short_side == 160


def test_a_short_side_that_cannot_hold_the_crop_is_refused() -> None:
    with pytest.raises(SpecError, match="short_side 63 is less than size 64"):
        DEFAULT.with_clip(size=64, short_side=63)


def test_preprocessing_does_not_import_torch() -> None:
    code = "import sys, dvfl, dvfl.video, dvfl.preprocess; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
