"""``dvfl report``: the page again, with results from phones, and how it ends."""

from __future__ import annotations

import importlib
import json
import tomllib
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from device_samples import failed_run, good_run, results, run_of, write, write_bundle

from dvfl.cli.app import COMMANDS
from dvfl.engines import open_engine
from dvfl_converter.parity.compare import run_clips
from dvfl_converter.report.record import read_record
from dvfl_converter.report.render import render
from dvfl_converter.verification import reference_vectors

REPOSITORY = Path(__file__).resolve().parents[3]


class Text(HTMLParser):
    """A page's words, and what of it is a row of "On devices"."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """As its entry point does, in an environment that was installed before there was one."""
    monkeypatch.setitem(COMMANDS, "report", "dvfl_converter.cli.report:report")


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def page(bundle):
    """The words of the bundle's page as it is now."""
    return lambda: Text((bundle.root / "report.html").read_text(encoding="utf-8")).text


@pytest.fixture
def phone(bundle, tmp_path):
    """Writes a file of device results with these runs."""
    return lambda *runs, **other: write(tmp_path, results(bundle, *runs, **other))


def spoilt(bundle):
    """A run with one logit changed."""
    run = good_run(bundle, accelerator="gpu", threads=None)
    logits = {clip["clip"]: np.array(clip["logits"], np.float32) for clip in run["clips"]}
    logits["second.mp4"][3] += np.float32(0.01)
    return run_of(bundle, logits, bundle.manifest.artifacts[0], accelerator="gpu", threads=None)


def test_without_device_results_it_is_the_page_that_was_there_to_the_byte(dvfl, bundle):
    file = bundle.root / "report.html"
    before = file.read_bytes()
    file.unlink()
    code, out, err = dvfl("report", bundle.root)
    assert (code, out) == (0, f"report: {file}\n")
    assert err == f"\nnext: dvfl report {bundle.root} --device-results FILE\n"
    assert file.read_bytes() == before
    assert b"On devices" not in before


def test_a_good_run_is_a_row_and_nothing_else_is_lost(dvfl, bundle, page, phone):
    before = page()
    code, out, err = dvfl("report", bundle.root, "--device-results", phone())
    assert code == 0
    assert "Google Pixel 8  litert-fp32  cpu          passed" in out
    assert err == f"\nnext: open {bundle.root / 'report.html'}, section 'On devices'\n"
    text = page()
    for said in (
        "Google Pixel 8 Android 15 (API 35), Tensor G3", "LiteRT fp32 cpu, 4 threads LiteRT 2.16.1", "Passed",
        "same top class 2 of 2 (100 %)", "p50 21.4 ms", "p90 24.0 ms", "123.5 MB", "none → light",
        "On devices, 1 of 1 run passed.",
    ):  # fmt: skip
        assert said in text
    for kept in ("400 ms", "420 ms", "20 runs after warm-up", "no way", "first.mp4", "second.mp4"):
        assert kept in before
        assert kept in text
    assert "No phone took part" in before
    assert "No phone took part" not in text
    assert "its file is not signed" in text


def test_one_changed_logit_fails_in_the_page_and_by_the_exit_code(dvfl, bundle, page, phone):
    file = phone(good_run(bundle), spoilt(bundle))
    code, out, err = dvfl("report", bundle.root, "--device-results", file)
    assert code == 1
    assert "litert-fp32 on Google Pixel 8 (gpu): error " in out
    assert err == (
        "error: failed: litert-fp32 on Google Pixel 8 (gpu); "
        f"the reasons are above and in {bundle.root / 'report.html'}\n"
    )
    text = page()
    assert "Not on every device" in text
    assert "1 of 2 runs passed; LiteRT fp32 on Google Pixel 8 (gpu) did not." in text
    assert "of the logit range > 1e-04 (second.mp4)" in text


def test_a_failed_run_is_shown_with_its_reason_and_exits_with_1(dvfl, bundle, page, phone):
    file = phone(failed_run(bundle, "GPU delegate: <b>unsupported</b> op", accelerator="gpu"))
    code, out, _ = dvfl("report", bundle.root, "--device-results", file)
    assert code == 1
    assert "did not run" in out
    assert "Did not run GPU delegate: <b>unsupported</b> op" in page()
    assert "Not on a device" in page()


def test_an_artifact_that_only_a_phone_can_run_is_no_longer_listed_as_not_executed(dvfl, bundle, page, phone):
    assert "Core ML fp16 was not executed." in page()
    run = good_run(bundle, bundle.manifest.artifacts[1], accelerator="cpu_and_ne", threads=None)
    assert dvfl("report", bundle.root, "--device-results", phone(run))[0] == 0
    assert "Core ML fp16 was not executed." not in page()
    assert "Core ML fp16 on Google Pixel 8 (cpu_and_ne) returned the logits of 2 reference clips" in page()


def test_what_was_not_measured_is_said_not_to_be(dvfl, bundle, page, phone):
    unknown = dict.fromkeys(
        ("threads", "load_ms", "first_ms", "latency_ms", "memory_bytes", "thermal_before", "thermal_after")
    )
    code, _, _ = dvfl("report", bundle.root, "--device-results", phone(good_run(bundle, **unknown)))
    assert code == 0
    assert "(100 %) not measured not measured not measured" in page()


def test_two_files_and_another_place(dvfl, bundle, tmp_path, phone):
    before = (bundle.root / "report.html").read_bytes()
    other = write(tmp_path, results(bundle, model="Pixel 9"), "other.json")
    out = tmp_path / "phones.html"
    code, said, _ = dvfl(
        "report", bundle.root, "--device-results", phone(), "--device-results", other, "--out", out
    )
    assert code == 0
    assert said.endswith(f"report: {out}\n")
    text = Text(out.read_text(encoding="utf-8")).text
    assert "Pixel 8" in text
    assert "Pixel 9" in text
    assert (bundle.root / "report.html").read_bytes() == before


class TestRefusals:
    """One line, and the page stays as it was."""

    @pytest.fixture(autouse=True)
    def unchanged(self, bundle):
        before = (bundle.root / "report.html").read_bytes()
        yield
        assert (bundle.root / "report.html").read_bytes() == before
        assert not list(bundle.root.glob(".*"))

    def test_another_bundles_file(self, refused, bundle, phone):
        file = phone(manifest_sha256="00" * 32)
        assert "is about another bundle" in refused("report", bundle.root, "--device-results", file)

    def test_the_same_file_twice(self, refused, bundle, phone):
        file = phone()
        asked = ("report", bundle.root, "--device-results", file, "--device-results", file)
        assert "give each file once" in refused(*asked)

    def test_another_schema_version(self, refused, bundle, phone):
        asked = ("report", bundle.root, "--device-results", phone(schema_version=2))
        assert "schema version 2" in refused(*asked)

    def test_no_json(self, refused, bundle, tmp_path):
        (tmp_path / "phone.json").write_text("logits: many")
        assert "not JSON" in refused("report", bundle.root, "--device-results", tmp_path / "phone.json")

    def test_no_such_file_and_no_bundle(self, refused, bundle, tmp_path):
        assert "no such file" in refused("report", bundle.root, "--device-results", tmp_path / "none.json")
        assert "no such bundle folder" in refused("report", tmp_path / "none")

    def test_a_page_that_cannot_be_written(self, refused, bundle, tmp_path):
        assert "create it first" in refused("report", bundle.root, "--out", tmp_path / "none" / "page.html")

    def test_a_bundle_without_its_record(self, refused, bundle):
        (bundle.root / "report.json").unlink()
        assert "no report.json, so its report cannot be made again" in refused("report", bundle.root)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"manifest_sha256": "00" * 32}, "is about another manifest.json"),
            ({"surprise": 1}, "surprise: "),
            ({"clips": 1}, "clips: "),
        ],
    )
    def test_a_record_that_does_not_belong(self, refused, bundle, change, said):
        path = bundle.root / "report.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        assert said in refused("report", bundle.root)

    def test_a_record_that_would_load_something(self, refused, bundle):
        path = bundle.root / "report.json"
        path.write_text(path.read_text().replace("data:image/jpeg;base64,", "https://example.com/", 1))
        assert "clips.0.pictures.0: " in refused("report", bundle.root)

    def test_a_record_with_other_classes(self, refused, bundle):
        record = json.loads((bundle.root / "report.json").read_text())
        record["clips"][0]["reference"].pop()
        (bundle.root / "report.json").write_text(json.dumps(record))
        assert "9 logits of 'first.mp4', but 10 labels" in refused("report", bundle.root)


def test_names_from_a_phone_are_escaped(bundle, tmp_path):
    from dvfl_converter.devices import judge_devices

    attack = "<script>alert(1)</script>"
    run = good_run(bundle, runtime=attack, thermal_before=attack)
    runs = judge_devices(bundle, [write(tmp_path, results(bundle, run, model=attack))])
    html = render(replace(read_record(bundle), devices=runs))
    assert "<script" not in html
    assert attack in Text(html).text


def test_help_teaches(dvfl):
    code, out, _ = dvfl("report", "--help")
    assert code == 0
    assert "Examples:" in out
    assert "dvfl report bundle --device-results pixel8.json" in out


def test_every_registered_command_is_there():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    commands = project["entry-points"]["dvfl.commands"]
    assert "report" in commands
    for name, place in commands.items():
        module, _, attribute = place.split(" ")[0].partition(":")
        assert getattr(importlib.import_module(module), attribute).name == name


class TestARealBundle:
    def test_it_is_rendered_again_to_the_byte(self, dvfl, converted, tmp_path):
        assert dvfl("report", converted.root, "--out", tmp_path / "again.html")[0] == 0
        assert (tmp_path / "again.html").read_bytes() == (converted.root / "report.html").read_bytes()

    def test_the_runtime_here_passes_in_a_phones_place_and_a_changed_logit_does_not(
        self, dvfl, converted, tmp_path
    ):
        artifact = converted.artifact("litert", "fp32")
        with closing(open_engine(converted, artifact)) as engine:
            logits = run_clips(engine, reference_vectors(converted))
        good = write(tmp_path, results(converted, run_of(converted, logits, artifact)), "good.json")
        asked = ("report", converted.root, "--out", tmp_path / "page.html", "--device-results")
        assert dvfl(*asked, good)[0] == 0
        next(iter(logits.values()))[0] += np.float32(0.01 * np.ptp(next(iter(logits.values()))))
        bad = write(tmp_path, results(converted, run_of(converted, logits, artifact)), "bad.json")
        assert dvfl(*asked, bad)[0] == 1
