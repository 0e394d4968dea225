"""The report page: what it says, and that it is one light, safe, well-formed file."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import av
import numpy as np
import pytest
from report_samples import LABELS, NOT_RUN, clip, evidence, moving_pattern, stress

from dvfl_converter.report.evidence import ClipEvidence, Failure, Latency
from dvfl_converter.report.formats import cosine, percent, scientific
from dvfl_converter.report.images import jpeg, shown_frames, strips
from dvfl_converter.report.render import render

VOID = {"meta", "link", "img", "br", "input", "hr"}
ATTACK = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
LATENCIES = (
    Latency("torch", 400.0, 420.0, 800.0, 20, 2),
    Latency("litert-fp32", 200.0, 210.0, 40.0, 20, 2),
)


class Page(HTMLParser):
    """Collects tags and text, and every tag that closes out of turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def some_clips(count: int = 3, classes: int = len(LABELS)) -> list[ClipEvidence]:
    return [clip(f"clip {i}.mp4", moving_pattern(seed=i), classes, seed=i) for i in range(count)]


def disagreeing(engine: str = "litert-int8") -> ClipEvidence:
    entry = clip("turned.mp4", moving_pattern())
    return ClipEvidence(entry.name, entry.pixels, entry.reference, entry.logits | {engine: -entry.reference})


@pytest.fixture(scope="module")
def html() -> str:
    failures = (Failure("executorch-int8", "executorch: export failed: no kernel for aten.foo"),)
    return render(evidence([*some_clips(), disagreeing()], failures=failures, latencies=LATENCIES))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_it_loads_nothing_from_anywhere(html, page):
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "object", "embed")
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert "http://" not in html
    assert "https://" not in html
    assert not re.search(r"@import|url\(", html)
    assert any("default-src 'none'" in (attributes.get("content") or "") for _, attributes in page.tags)


def test_every_tag_is_closed_in_turn(page):
    assert page.faults == []
    assert page.open == []


def test_every_picture_has_words_and_every_id_is_unique(page):
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert all(attributes.get("aria-label") or attributes.get("aria-hidden") for attributes in drawn)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert {link[1:] for link in links} <= set(ids)


def test_headings_descend_without_a_gap(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_it_escapes_names_it_was_given():
    entry = clip(
        ATTACK, moving_pattern(), engines={"executorch-fp32": 1e-6, "litert-fp32": 1e-6, "litert-int8": 2.0}
    )
    given = evidence([entry], labels=[f"{ATTACK} {i}" for i in range(10)], failures=[Failure(ATTACK, ATTACK)])
    html = render(given)
    page = Page(html)
    assert "<script" not in html
    assert page.faults == []
    assert not [
        attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)
    ]
    assert ATTACK in page.text


def test_it_answers_at_once(page):
    assert "Not every artifact does" in page.text
    sentence = (
        "LiteRT int8 failed its gate; 2 of 4 artifacts executed and passed; "
        "Core ML fp16 converted, not executed here; ExecuTorch int8 failed to convert."
    )
    assert sentence in page.text


class TestClipsMadeToHurt:
    NAMES = ("litert-fp32", "litert-int8")

    @pytest.fixture(scope="class")
    def page(self):
        given = evidence(some_clips(), artifacts=self.NAMES)
        hurting = [
            clip("stress: black", moving_pattern(), engines={"litert-fp32": 1e-6, "litert-int8": 0.5}),
            clip("stress: white", moving_pattern(), engines={"litert-fp32": 2e-6, "litert-int8": 0.1}),
        ]
        return Page(render(replace(given, stress=stress(hurting, self.NAMES))))

    def test_each_artifacts_worst_is_named_with_its_gate(self, page):
        assert re.search(r"LiteRT fp32 Passed stress: white \S+ 0\.\d+ \d+ dB error ≤ 1\.0e-4", page.text)
        assert re.search(r"LiteRT int8 Passed stress: black \S+ 0\.\d+ \d+ dB cosine ≥ 0\.866", page.text)

    def test_their_frames_are_shown(self, page):
        pictured = {attributes["alt"] for tag, attributes in page.tags if tag == "img"}
        assert {"stress: black, frame 1 of 8", "stress: white, frame 1 of 8"} <= pictured

    def test_the_page_stays_well_formed(self, page):
        assert page.faults == []
        assert page.open == []

    def test_without_them_there_is_no_section(self):
        assert "made to hurt" not in Page(render(evidence(some_clips()))).text


def test_yes_means_that_all_of_it_ran_and_passed():
    text = Page(render(evidence(some_clips(), artifacts=["litert-fp32", "executorch-fp32"]))).text
    assert "Yes Both artifacts were executed and passed." in text
    text = Page(render(evidence(some_clips(), artifacts=["litert-fp32", "coreml-fp16"]))).text
    assert "Yes, as far as it could be run" in text


def test_it_says_plainly_what_was_not_executed(page):
    assert f"Core ML fp16 was not executed. {NOT_RUN}." in page.text
    assert "not measured gate ≥ 0.9995" in page.text
    assert "No phone took part." in page.text


def test_it_claims_no_run_when_nothing_ran():
    text = Page(render(evidence(some_clips(), artifacts=["coreml-fp16"]))).text
    assert "Not known: nothing was executed" in text
    assert "No runtime ran an artifact" in text
    assert "ran on" not in text.split("Artifacts", 2)[1]


def test_it_marks_disagreement(page):
    assert re.search(r"LiteRT int8 says “[^”]+” \([^)]+\) where PyTorch says “[^”]+”", page.text)
    assert "≠ 1st" in page.text
    assert page.text.index("turned.mp4 An engine disagrees") < page.text.index("Same top class everywhere")


def test_it_marks_the_worst_clip(page):
    assert "Worst clip of LiteRT int8." in page.text


def test_it_names_the_figure_that_missed_its_gate(page):
    assert re.search(r"Same top class is 3 of 4 \(75 %\), but the gate asks for ≥ 99 %\.", page.text)


def test_it_lists_operators_that_stay_out_with_their_source(page):
    assert "aten.conv2d -> DEPTHWISE_CONV_2D" in page.text
    assert "dvfl_converter/targets/litert/lowering.py:112" in page.text
    assert "17 of 126 operators stay out" in page.text
    assert "No delegate: the runtime places its own operators on the device; nothing stays out." in page.text


def test_it_compares_speed_with_pytorch_and_says_it_is_no_phone(page):
    assert "200 ms 2\N{MULTIPLICATION SIGN} PyTorch's speed" in page.text
    assert "20 runs after warm-up, 2 threads" in page.text
    assert "This is no phone" in page.text


def test_it_tells_how_to_repeat_it(page):
    assert "dvfl verify BUNDLE" in page.text


def test_logits_that_are_no_numbers_are_said_to_be_none():
    entry = disagreeing()
    entry.logits["litert-fp32"] = np.full(len(LABELS), np.nan, np.float32)
    given = evidence(some_clips())
    html = render(type(given)(given.manifest, (entry,), (), (), given.machine))
    assert "LiteRT fp32 returned values that are no finite numbers." in Page(html).text


@pytest.mark.parametrize("artifacts", [["litert-fp32", "coreml-fp16"], []])
def test_zero_clips_are_no_error(artifacts):
    page = Page(render(evidence([], artifacts=artifacts)))
    assert page.faults == []
    assert "No clip was run, so there is nothing to compare." in page.text
    assert ("No clip was compared." in page.text) == ("litert-fp32" in artifacts)


def test_many_classes_and_clips_stay_light():
    random = np.random.default_rng(0)
    labels = [f"class {i} with a long name of several words" for i in range(400)]
    clips = [
        clip(f"{i}.mp4", random.integers(0, 256, (8, 224, 224, 3), np.uint8), 400, seed=i) for i in range(30)
    ]
    html = render(evidence(clips, labels=labels, size=224))
    assert len(html.encode()) < 3_000_000
    assert "Show 24 more clips" in Page(html).text


def test_clips_beyond_the_limit_are_counted():
    clips = [clip(f"{i}.mp4", moving_pattern(size=16), seed=i) for i in range(63)]
    assert "3 further clips are not pictured" in Page(render(evidence(clips))).text


def test_a_picture_is_a_small_jpeg_of_the_same_colours():
    pixels = np.zeros((91, 61, 3), np.uint8)
    pixels[:, :] = (200, 40, 90)
    with av.open(io.BytesIO(jpeg(pixels, 48))) as picture:
        frame = next(picture.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape == (48, 32, 3)
    assert np.abs(frame.astype(int) - (200, 40, 90)).max() <= 6


def test_long_clips_are_thinned_evenly_with_both_ends():
    assert shown_frames(8) == list(range(8))
    frames = shown_frames(64)
    assert (len(frames), frames[0], frames[-1]) == (16, 0, 63)


def test_pictures_shrink_until_they_fit():
    noise = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), np.uint8)
    (large,), (small,) = strips([noise]), strips([noise], budget=20_000)
    assert sum(map(len, small)) < sum(map(len, large)) / 2


def test_no_number_is_rounded_to_look_better():
    assert cosine(0.99999999) == "0.999999"
    assert percent(0.9999) == "> 99.9 %"
    assert percent(0.00001) == "< 0.1 %"
    assert percent(0.99) == "99 %"
    assert scientific(1.01e-4) == "1.1e-4"
    assert scientific(9.99e-4) == "1.0e-3"
    assert [scientific(value) for value in (0, 1e-4, 1e-5, 2.5e-6, 3.0)] == [
        "0", "1.0e-4", "1.0e-5", "2.5e-6", "3.0e0",
    ]  # fmt: skip
