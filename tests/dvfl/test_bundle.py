"""Reading a bundle, and refusing a damaged one."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

import tiny_bundle as tiny
from dvfl.bundle import Bundle
from dvfl.errors import BundleError
from dvfl.hashing import sha256_path


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_opens_a_good_one_and_its_files(tiny_bundle):
    bundle = Bundle.open(tiny_bundle)
    for artifact in bundle.manifest.artifacts:
        assert bundle.verified(artifact).name == artifact.file
    (vector,) = bundle.manifest.reference_vectors
    assert np.array_equal(bundle.reference_clip(vector), tiny.random_clip())


def test_missing_folder(tmp_path):
    with pytest.raises(BundleError) as error:
        Bundle.open(tmp_path / "none")
    assert "no such bundle folder; make one with 'dvfl convert'" in one_line(error)


def test_a_file_is_no_bundle(clip_file):
    with pytest.raises(BundleError, match="no such bundle folder"):
        Bundle.open(clip_file)


def test_folder_without_a_manifest(tmp_path):
    with pytest.raises(BundleError, match=r"no manifest\.json, so this is no bundle"):
        Bundle.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "not json"])
def test_manifest_that_is_no_json(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match="not JSON"):
        Bundle.open(tmp_path)


def test_manifest_that_is_no_text(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="unreadable"):
        Bundle.open(tmp_path)


def test_manifest_that_is_a_folder(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(BundleError, match="unreadable"):
        Bundle.open(tmp_path)


def test_truncated_manifest(bundle_copy):
    path = bundle_copy / "manifest.json"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleError, match="not JSON"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_unknown_schema_version(bundle_copy, version):
    edit(bundle_copy, schema_version=version)
    with pytest.raises(BundleError) as error:
        Bundle.open(bundle_copy)
    assert f"schema version {version!r}, this dvfl reads 1" in one_line(error)


def test_json_that_is_no_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text("[1, 2]")
    with pytest.raises(BundleError, match="schema version None"):
        Bundle.open(tmp_path)


def test_unknown_field(bundle_copy):
    edit(bundle_copy, colour="blue")
    with pytest.raises(BundleError) as error:
        Bundle.open(bundle_copy)
    assert "colour: Extra inputs are not permitted" in one_line(error)


def test_changed_byte(bundle_copy):
    flip_a_byte(bundle_copy / tiny.LITERT_FILE)
    bundle = Bundle.open(bundle_copy)
    with pytest.raises(BundleError) as error:
        bundle.verified(bundle.artifact("litert"))
    assert "'model.tflite' was changed after conversion" in one_line(error)


def test_changed_file_in_a_package_folder(bundle_copy):
    (bundle_copy / tiny.COREML_FILE / "extra").write_text("x")
    bundle = Bundle.open(bundle_copy)
    with pytest.raises(BundleError, match="was changed after conversion"):
        bundle.verified(bundle.artifact("coreml"))


def test_missing_file(bundle_copy):
    (bundle_copy / tiny.EXECUTORCH_FILE).unlink()
    bundle = Bundle.open(bundle_copy)
    with pytest.raises(BundleError, match=r"'model\.pte' is missing"):
        bundle.verified(bundle.artifact("executorch"))


def test_path_that_climbs_out(bundle_copy):
    data = json.loads((bundle_copy / "manifest.json").read_text())
    data["artifacts"][0]["file"] = "../../secret"
    edit(bundle_copy, **data)
    with pytest.raises(BundleError, match="must be relative and stay inside the bundle"):
        Bundle.open(bundle_copy)


def test_link_that_leads_out(bundle_copy, tmp_path):
    inside = bundle_copy / tiny.LITERT_FILE
    outside = tmp_path / "outside.tflite"
    inside.rename(outside)
    inside.symlink_to(outside)
    bundle = Bundle.open(bundle_copy)
    with pytest.raises(BundleError, match="leads outside the bundle"):
        bundle.verified(bundle.artifact("litert"))


def test_artifact_that_it_does_not_hold(tiny_bundle):
    bundle = Bundle.open(tiny_bundle)
    with pytest.raises(BundleError) as error:
        bundle.artifact("litert", "int8")
    assert "no artifact 'litert-int8'; this bundle holds: litert-fp32, executorch-fp32" in one_line(error)


def test_an_artifact_that_failed_its_gate_is_the_last_choice(tiny_bundle):
    bundle = Bundle.open(tiny_bundle)
    good = bundle.artifact("litert")
    bad = good.model_copy(
        update={"precision": "int8", "parity": good.parity.model_copy(update={"status": "failed"})}
    )
    both = bundle.manifest.model_copy(update={"artifacts": (bad, good)})
    assert Bundle(bundle.root, both).artifact("litert") == good
    assert Bundle(bundle.root, both).artifact("litert", "int8") == bad


@pytest.mark.parametrize(
    "content", [b"not gzip", gzip.compress(b"too short"), b""], ids=["text", "short", "empty"]
)
def test_reference_clip_of_other_bytes(bundle_copy, content):
    path = bundle_copy / tiny.VECTOR_FILE
    path.write_bytes(content)
    bundle = Bundle.open(bundle_copy)
    vector = bundle.manifest.reference_vectors[0].model_copy(update={"sha256": sha256_path(path)})
    with pytest.raises(BundleError, match="not a clip of shape"):
        bundle.reference_clip(vector)
