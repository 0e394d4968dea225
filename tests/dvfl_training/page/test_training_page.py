"""The training page says what was measured, stands alone, and escapes what a data set names."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from dvfl_training import runs
from dvfl_training.config import TrainConfig
from dvfl_training.evaluation import Evaluation
from dvfl_training.page import curves
from dvfl_training.page.curves import Series, chart, thin
from dvfl_training.page.matrix import MOST_CLASSES, matrix
from dvfl_training.page.render import Story, render
from fake_clips import run_on_fake_clips, tiny_config, tiny_manifest

VOID = {"meta", "link", "path", "circle", "rect", "br"}


class Balance(HTMLParser):
    """Raises where a tag is closed that is not the open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        pass

    def handle_endtag(self, tag) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def evaluation(classes: int = 3, clips: int = 9) -> Evaluation:
    labels = np.arange(clips) % classes
    probabilities = np.full((clips, classes), 0.5 / classes, np.float32)
    said = np.where(np.arange(clips) < 2, (labels + 1) % classes, labels)
    probabilities[np.arange(clips), said] += 0.5
    names = tuple(f"class {number}" for number in range(classes))
    return Evaluation(names, np.arange(clips), labels, probabilities)


def story(**changes) -> Story:
    metrics = [
        {"step": step, "epoch": step / 2, "loss": 2 / step, "batch_accuracy": 0.5, "learning_rate": 0.1,
         "gradient_norm": 1.0, "cross_entropy": 1.0, "validation_top1": 0.25 * step}
        for step in (1, 2, 3)
    ]  # fmt: skip
    told = Story(
        name="run",
        dataset="colours",
        config=TrainConfig(),
        distilled=False,
        steps=240,
        metrics=metrics,
        evaluation=evaluation(),
        epoch=2,
        best=True,
        paths=[f"{number}.mp4" for number in range(200)],
        commands={"judge it": "dvfl evaluate x"},
    )
    return replace(told, **changes)


def test_it_says_the_accuracy_its_interval_and_what_was_wrong() -> None:
    page = render(story())
    assert "<h1>77.8 %</h1>" in page
    assert "7 of 9 validation clips of colours; 95 % interval 45.3 % to 93.7 %" in page
    assert "Guessing gives 33.3 %." in page
    worst = re.findall(r"<code>(\d+\.mp4)</code></td><td>(.*?)</td><td>(.*?)</td>", page)
    assert worst == [("0.mp4", "class 0", "class 1"), ("1.mp4", "class 1", "class 2")]


def test_an_accuracy_that_may_be_chance_is_called_so() -> None:
    page = render(story(evaluation=evaluation(clips=3)))
    assert "this is no better than that for certain" in page


def test_it_is_one_file_that_loads_nothing_and_runs_nothing() -> None:
    page = render(story())
    assert not re.findall(r"<script|https?://|src=|url\(|@import", page)
    assert "default-src 'none'" in page


@pytest.mark.parametrize("classes", [2, 3, 40, MOST_CLASSES + 1])
def test_every_tag_is_closed_for_few_and_many_classes(classes) -> None:
    parser = Balance()
    parser.feed(render(story(evaluation=evaluation(classes, 2 * classes), paths=["x"] * 2 * classes)))
    assert parser.open == []


def test_names_of_a_data_set_are_escaped() -> None:
    named = replace(evaluation(), classes=("<b>bold</b>", "class 1", "class 2"))
    page = render(story(evaluation=named, dataset="<i>", paths=["<u>.mp4"] * 9))
    assert "<b>bold" not in page
    assert "<i>" not in page
    assert "<u>" not in page
    assert "&lt;b&gt;bold" in page


def test_a_network_without_errors_has_no_worst_clips() -> None:
    right = replace(evaluation(), probabilities=np.eye(3, dtype=np.float32)[np.arange(9) % 3])
    assert "No validation clip was wrong." in render(story(evaluation=right))


def test_the_teachers_part_is_drawn_only_where_there_is_one() -> None:
    assert "divergence from the teacher" not in render(story())
    metrics = [{**row, "divergence": 3.0} for row in story().metrics]
    assert "divergence from the teacher" in render(story(distilled=True, metrics=metrics))


def test_a_curve_goes_through_its_points() -> None:
    drawn = chart(
        "x", [Series("a", "first", np.array([0.0, 5.0, 10.0]), np.array([0.0, 1.0, 2.0]))], 10, top=2.0
    )
    assert drawn is not None
    middle = f"{(curves.LEFT + curves.RIGHT) / 2:.1f} {(curves.TOP + curves.BOTTOM) / 2:.1f}"
    assert (
        drawn.lines[0].path == f"M{curves.LEFT}.0 {curves.BOTTOM}.0L{middle}L{curves.RIGHT}.0 {curves.TOP}.0"
    )
    assert [tick.text for tick in drawn.x_ticks] == ["0", "2", "4", "6", "8", "10"]


def test_a_long_curve_is_thinned_to_means() -> None:
    long = Series("a", "first", np.arange(2400.0), np.tile([0.0, 2.0], 1200))
    assert len(thin(long).x) == 240
    np.testing.assert_allclose(thin(long).y, 1.0)


def test_without_points_there_is_no_chart() -> None:
    assert chart("x", [Series("a", "first", np.array([]), np.array([]))], 10) is None


def test_the_matrix_has_a_cell_per_confusion() -> None:
    drawn = matrix(evaluation())
    assert drawn is not None
    assert {cell.words for cell in drawn.cells if not cell.right} == {
        "class 0: 1 of 3 taken for class 1",
        "class 1: 1 of 3 taken for class 2",
    }
    wrong = next(cell for cell in drawn.cells if cell.words.startswith("class 0: 1 of 3 taken"))
    assert (wrong.x, wrong.y) == (drawn.pitch, 0.0)
    assert wrong.share == pytest.approx(1 / 3)


def test_a_run_writes_its_page_for_the_best_network(monkeypatch, tmp_path) -> None:
    config = tiny_config("schedule.epochs=4")
    recorder = run_on_fake_clips(monkeypatch, runs.Request(tmp_path / "run", tiny_manifest(tmp_path), config))
    page = (tmp_path / "run" / "training.html").read_text()
    best = [validation for validation in recorder.validations if validation.best][-1]
    assert f"<h1>{100 * best.evaluation.top(1).value:.1f} %</h1>" in page
    assert f"After {best.epoch} of 4 epochs: the network in best.pth." in page
    assert "16 of 16" in page
