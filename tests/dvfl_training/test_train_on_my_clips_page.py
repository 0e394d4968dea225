"""docs/train-on-my-clips.md says what recipes and options are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvfl_training.config import TrainConfig, load_config, recipe_names
from dvfl_training.engine.run_log import RunFolder

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "train-on-my-clips.md").read_text("utf-8")
COLUMNS = {"ucf101": 1, "folder": 2, "demo-student": 3, "demo-teacher": 4}


def cell(start: str, recipe: str) -> list[float]:
    """The numbers in a recipe's column of the row that starts so."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {start}"))
    text = row.strip("|").split("|")[COLUMNS[recipe]]
    return [float(number.rstrip(".")) for number in re.findall(r"\d*\.?\d+(?:e-\d)?", text)]


def rows(config: TrainConfig) -> dict[str, list[float]]:
    """What the table says of a recipe."""
    clip, schedule, augmentation, run = config.clip, config.schedule, config.augmentation, config.run
    return {
        "input": [clip.frames, clip.size, clip.short_side],
        "epochs": [schedule.epochs, schedule.warmup_epochs],
        "learning rate": [schedule.warmup_lr, schedule.base_lr, schedule.min_lr, schedule.lr_batch],
        "batch": [run.batch, schedule.base_lr * run.batch / schedule.lr_batch],
        "random crop": list(augmentation.area),
        "flip": [augmentation.flip],
        "colour jitter": [augmentation.jitter, augmentation.greyscale],
        "label smoothing": [run.label_smoothing],
        "alpha, temperature": [config.distillation.alpha, config.distillation.temperature],
    }


@pytest.mark.parametrize("recipe", COLUMNS)
def test_the_table_has_the_numbers_of_the_recipes(recipe: str) -> None:
    expected = rows(load_config(recipe))
    if recipe == "demo-teacher":
        del expected["alpha, temperature"]
    for start, numbers in expected.items():
        # A cell may go on with an exception.
        assert cell(start, recipe)[: len(numbers)] == pytest.approx(numbers), start


def test_the_networks_of_the_recipes_are_named() -> None:
    for recipe in COLUMNS:
        model = load_config(recipe).model
        assert f"width {model.width}" in PAGE, recipe
        assert ", ".join(map(str, model.depths)) in PAGE, recipe


def test_one_column_stands_for_all_published_recipes() -> None:
    published = [name for name in recipe_names() if f"`{name}`" in PAGE.split("| for |")[0].splitlines()[-2]]
    assert {"ucf50", "hmdb51", "kinetics400", "ssv2"} < set(published)
    for name in {"ucf50", "hmdb51", "kinetics400"}:
        assert load_config(name) == load_config("ucf101")
    assert load_config("ssv2") == load_config("ucf101", ["augmentation.flip=0"])


def test_every_option_on_the_page_can_be_set() -> None:
    settings = re.findall(r"--set '?([a-z_]+\.[a-z_]+=[^\s'`]+)", PAGE)
    assert len(settings) > 10
    for setting in settings:
        load_config("ucf101", [setting] if "short_side" not in setting else ["clip.size=160", setting])


def test_every_file_of_a_run_is_named() -> None:
    folder = RunFolder(Path("run"))
    files = (folder.best, folder.labels, folder.state, folder.page, folder.metrics, folder.config)
    assert [file.name for file in files if f"`{file.name}`" not in PAGE] == []
    assert f"`{folder.events.name}/`" in PAGE
