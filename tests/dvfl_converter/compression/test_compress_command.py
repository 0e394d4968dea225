"""dvfl compress and dvfl convert --compress as a person meets them."""

from __future__ import annotations

import shutil

import pytest
import small_models as small
import torch

from dvfl.bundle import Bundle
from dvfl.model.checkpoint import load_checkpoint
from dvfl.model.low_rank import factorised, temporal_layers
from dvfl_converter.report.record import read_record

SHAPE = ("--frames", small.FRAMES, "--size", small.SIZE)


@pytest.fixture
def checkpoint(tmp_path):
    """A network whose temporal kernels have half of the full rank."""
    network = small.randomised()
    for layer in temporal_layers(network).values():
        directions = torch.linalg.qr(torch.randn(layer.in_channels, layer.in_channels // 2)).Q
        kept = torch.einsum("oit,ij->ojt", layer.weight, directions @ directions.T)
        layer.weight.copy_(kept + 0.001 * layer.weight)
    torch.save({"model": network.state_dict()}, tmp_path / "student.pth")
    return tmp_path / "student.pth"


@pytest.fixture
def arguments(sources, clip_file):
    return ("--calibration-clips", sources / "calibration", "--clip", clip_file, *SHAPE)


def test_it_writes_a_smaller_student_and_tells_what_each_layer_gave(dvfl, checkpoint, arguments, tmp_path):
    out = tmp_path / "small.pth"
    code, printed, err = dvfl("compress", checkpoint, out, "--error", 0.01, *arguments)
    assert code == 0, err
    assert "stage 0, block 0, level 0" in printed
    assert "MACs saved" in printed
    assert f"next: dvfl convert {out}" in printed + err
    layers = temporal_layers(load_checkpoint(out).network()).values()
    assert all(factorised(layer.weight).rank <= layer.in_channels // 2 for layer in layers)


def test_one_that_disagrees_is_not_written(refused, checkpoint, arguments, tmp_path):
    line = refused("compress", checkpoint, tmp_path / "small.pth", "--error", 0.9, *arguments)
    assert "says something else: " in line
    assert "--for-training" in line
    assert not (tmp_path / "small.pth").exists()


def test_one_that_disagrees_is_written_to_be_trained(dvfl, checkpoint, arguments, tmp_path):
    out = tmp_path / "small.pth"
    code, printed, err = dvfl("compress", checkpoint, out, "--error", 0.9, "--for-training", *arguments)
    assert code == 0, err
    assert "note: not usable without training: " in err
    assert f"dvfl distill --teacher {checkpoint} --fine-tune {out}" in printed + err
    assert load_checkpoint(out).architecture == small.TINY


def test_a_calibration_clip_cannot_judge(refused, checkpoint, sources, tmp_path):
    copy = shutil.copy(sources / "calibration" / "1.mp4", tmp_path / "renamed.mp4")
    line = refused(
        "compress", checkpoint, tmp_path / "small.pth", "--error", 0.05, *SHAPE,
        "--calibration-clips", sources / "calibration", "--clip", copy,
    )  # fmt: skip
    assert "calibrates and tests" in line


def test_an_existing_file_stays_if_nothing_can_be_saved(refused, sources, arguments, tmp_path):
    out = tmp_path / "small.pth"
    out.write_bytes(b"mine")
    line = refused("compress", sources / "student.pth", out, "--error", 1e-6, *arguments)
    assert "nothing to save at an error of 1e-06" in line
    assert out.read_bytes() == b"mine"


def test_converting_needs_clips_to_fit_and_to_judge(refused, checkpoint, sources, tmp_path):
    line = refused(
        "convert", checkpoint, "--labels", sources / "labels.txt", "--out", tmp_path / "b",
        "--compress", 0.01, *SHAPE,
    )  # fmt: skip
    assert "--compress needs --calibration-clips DIR" in line
    assert "--clip VIDEO" in line
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_converting_compresses_proves_and_records(dvfl, checkpoint, sources, arguments, tmp_path):
    out = tmp_path / "bundle"
    code, printed, err = dvfl(
        "convert", checkpoint, "--labels", sources / "labels.txt", "--out", out, "--compress", 0.01,
        "--target", "litert", "--target", "executorch", *arguments,
    )  # fmt: skip
    assert code == 0, err
    assert "MACs saved" in printed
    bundle = Bundle.open(out)
    for artifact in bundle.manifest.artifacts:
        assert artifact.parity.status == "passed"
        assert artifact.options["compress"] == "0.01"
        assert all(int(rank.split("/")[0]) <= int(rank.split("/")[1]) // 2
                   for rank in artifact.options["temporal_ranks"].split())  # fmt: skip
    assert len(read_record(bundle).compression.layers) == 8
    page = (out / "report.html").read_text()
    assert "Compressed temporal convolutions" in page
    assert "stage 3, block 0, level 1" in page
    code, _, err = dvfl("verify", out, "--localize")
    assert code == 0, err
