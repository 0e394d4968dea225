"""The folder for phones: whole, of the same bundle, and without the checkpoint."""

from __future__ import annotations

import subprocess

import pytest

from dvfl.bundle import Bundle
from dvfl.errors import BundleError, OutputError
from dvfl_converter.device_export.export import SCRIPTS, export


@pytest.fixture
def exported(converted, tmp_path):
    export(converted, tmp_path / "device")
    return tmp_path / "device"


def test_the_manifest_is_the_bundles_byte_for_byte(exported, converted):
    copy = Bundle.open(exported / "bundle")
    assert copy.manifest_sha256 == converted.manifest_sha256


def test_every_artifact_and_clip_is_there_unchanged(exported, converted):
    copy = Bundle.open(exported / "bundle")
    for stored in (*converted.manifest.artifacts, *converted.manifest.reference_vectors):
        copy.verified(stored)


def test_the_checkpoint_stays_behind(exported, converted):
    assert not (exported / "bundle" / converted.manifest.reference.file).exists()
    assert list(exported.rglob("*.pth")) == []


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.endswith(".sh")])
def test_a_script_says_where_it_must_be_run(exported, tmp_path, script):
    done = subprocess.run(
        ["sh", exported / script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no ")
    assert done.stderr.endswith("run this in the root of a checkout of dvfl\n")


def test_a_changed_bundle_is_refused_and_nothing_is_written(converted_copy, tmp_path):
    path = converted_copy.resolve(converted_copy.artifact("litert", "fp32"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match="was changed after conversion"):
        export(converted_copy, tmp_path / "device")
    assert not (tmp_path / "device").exists()


def test_what_exists_is_not_overwritten(converted, tmp_path):
    (tmp_path / "device").mkdir()
    with pytest.raises(OutputError, match="already exists"):
        export(converted, tmp_path / "device")
