"""The manifest: what it accepts, and what it refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import tiny_bundle as tiny
from dvfl.manifest import (
    ClipParity,
    Gate,
    Manifest,
    OperatorReport,
    OperatorUse,
    ParityReport,
    StoredFile,
)

SHA = "0" * 64


@pytest.fixture
def manifest(tiny_bundle) -> Manifest:
    return Manifest.model_validate_json((tiny_bundle / "manifest.json").read_text())


def test_survives_a_round_trip(manifest):
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_embeds_the_whole_preprocessing_spec(manifest):
    assert manifest.preprocessing == tiny.SPEC


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "a\\b", "C:/x", "..", "", "https://x/y"]
)
def test_refuses_a_path_that_leaves_the_bundle(path):
    with pytest.raises(ValidationError, match="stay inside the bundle"):
        StoredFile(file=path, sha256=SHA, bytes=1)


@pytest.mark.parametrize("path", ["a", "a/b.tflite", "a..b", "model.mlpackage"])
def test_accepts_a_path_inside_the_bundle(path):
    assert StoredFile(file=path, sha256=SHA, bytes=1).file == path


@pytest.mark.parametrize("sha", ["", "0" * 63, "G" * 64, "0" * 65])
def test_refuses_what_is_no_sha256(sha):
    with pytest.raises(ValidationError):
        StoredFile(file="a", sha256=sha, bytes=1)


def test_refuses_an_unknown_field():
    with pytest.raises(ValidationError, match="Extra inputs"):
        StoredFile(file="a", sha256=SHA, bytes=1, compression="none")


def test_refuses_two_artifacts_of_one_name(manifest):
    data = manifest.model_dump()
    data["artifacts"] = [data["artifacts"][0]] * 2
    with pytest.raises(ValidationError, match="same target and precision"):
        Manifest.model_validate(data)


def test_refuses_labels_that_do_not_fit_the_outputs(manifest):
    data = manifest.model_dump() | {"labels": ["only one"]}
    with pytest.raises(ValidationError, match="1 labels, but outputs of"):
        Manifest.model_validate(data)


def test_refuses_nan_figures():
    with pytest.raises(ValidationError):
        Gate(min_mean_cosine=float("nan"))


def _parity(error: float, *, agrees: bool) -> ClipParity:
    return ClipParity(
        clip=f"clip {error}",
        max_abs_error=error,
        error_of_range=error,
        cosine=1 - error,
        snr_db=40,
        top1_agrees=agrees,
        top5_agrees=True,
    )


def test_parity_figures_over_the_clips():
    report = ParityReport(
        status="passed", gate=Gate(), clips=(_parity(0.1, agrees=True), _parity(0.3, agrees=False))
    )
    assert report.worst is not None
    assert report.worst.clip == "clip 0.3"
    assert report.mean_cosine == pytest.approx(0.8)
    assert (report.top1_agreement, report.top5_agreement) == (0.5, 1.0)


def test_operator_figures_by_placement():
    def use(placement: str, count: int, share: float) -> OperatorUse:
        return OperatorUse(
            operator="conv",
            placement=placement,
            where="XNNPACK",
            count=count,
            macs=1,
            macs_share=share,
            reason="",
        )

    report = OperatorReport(
        delegate="XNNPACK",
        delegate_calls=2,
        operators=(use("delegate", 3, 0.5), use("delegate", 4, 0.25), use("portable", 1, 0.25)),
    )
    assert (report.count("delegate"), report.count("portable"), report.count("native")) == (7, 1, 0)
    assert report.macs_share("delegate") == 0.75
