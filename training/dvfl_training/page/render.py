"""The page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from dvfl_training.config import TrainConfig
from dvfl_training.evaluation import Evaluation
from dvfl_training.page import curves
from dvfl_training.page.matrix import matrix

_TEMPLATES = Path(__file__).with_name("templates")
_WORST_CLIPS = 24
_MOST_CONFUSIONS = 12
_OPEN_CLASSES = 24


@dataclass(frozen=True)
class Clip:
    """A clip that was taken for another class; ``probability`` is that of its own."""

    path: str
    label: str
    prediction: str
    probability: float


@dataclass(frozen=True)
class Story:
    """Everything that the page tells.

    Attributes:
        name: of the run.
        dataset: its name.
        config: the recipe.
        distilled: whether there was a teacher.
        steps: of the whole run.
        metrics: rows of ``metrics.csv``.
        evaluation: on the validation clips, of the network after ``epoch`` epochs.
        best: whether that network is ``best.pth``.
        paths: of the validation clips, by position in the split.
        commands: what to do with the result, by what it does.
    """

    name: str
    dataset: str
    config: TrainConfig
    distilled: bool
    steps: int
    metrics: Sequence[Mapping[str, float]]
    evaluation: Evaluation
    epoch: int
    best: bool
    paths: Sequence[str]
    commands: Mapping[str, str]


def render(story: Story) -> str:
    """The whole page as HTML: no scripts, and nothing is loaded from anywhere."""
    found, epochs = story.evaluation, story.config.schedule.epochs
    seen = [row for row in zip(found.classes, found.per_class, strict=True) if row[1].total]
    classes = sorted(seen, key=lambda row: row[1].value)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            story=story,
            top1=found.top(1),
            top5=found.top(5) if len(found.classes) > 5 else None,
            chance=1 / len(found.classes),
            done=int(story.metrics[-1]["step"]) if story.metrics else 0,
            charts=[chart for chart in _charts(story, epochs) if chart is not None],
            area=curves,
            matrix=matrix(found),
            confusions=found.commonest_confusions(_MOST_CONFUSIONS),
            classes=classes,
            open_classes=_OPEN_CLASSES,
            worst=_worst(story),
            wrong=int((found.predictions != found.labels).sum()),
            settings=story.config.model_dump(mode="json"),
        )
    )


def _charts(story: Story, epochs: int) -> list[curves.Chart | None]:
    metrics = story.metrics
    loss = [_series(metrics, "loss", "loss", "first")]
    if story.distilled:
        loss.append(_series(metrics, "cross-entropy", "cross_entropy", "second"))
        loss.append(_series(metrics, "divergence from the teacher", "divergence", "third"))
    accuracy = [
        _series(metrics, "training batches", "batch_accuracy", "second"),
        _series(metrics, "validation", "validation_top1", "first", marked=True),
    ]
    return [
        curves.chart("Loss", loss, epochs),
        curves.chart("Accuracy", accuracy, epochs, top=1.0, percent=True),
        curves.chart("Learning rate", [_series(metrics, "learning rate", "learning_rate", "first")], epochs),
        curves.chart(
            "Gradient norm before clipping",
            [_series(metrics, "gradient norm", "gradient_norm", "first")],
            epochs,
        ),
    ]


def _series(
    metrics: Sequence[Mapping[str, float]], name: str, column: str, style: str, *, marked: bool = False
) -> curves.Series:
    rows = [row for row in metrics if column in row and np.isfinite(row[column])]
    return curves.Series(name, style, _column(rows, "epoch"), _column(rows, column), marked)


def _column(rows: Sequence[Mapping[str, float]], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], np.float64)


def _worst(story: Story) -> list[Clip]:
    found = story.evaluation
    return [
        Clip(
            path=story.paths[int(found.indices[row])],
            label=found.classes[int(found.labels[row])],
            prediction=found.classes[int(found.predictions[row])],
            probability=float(found.probabilities[row, found.labels[row]]),
        )
        for row in found.worst(_WORST_CLIPS)
    ]


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment
