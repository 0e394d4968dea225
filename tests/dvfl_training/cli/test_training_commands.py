"""dvfl train, distill and evaluate as a person meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from dvfl.cli.group import DebugFlag
from dvfl.errors import DvflError
from dvfl.model.checkpoint import load_checkpoint
from dvfl_training.cli.distill import distill
from dvfl_training.cli.evaluate import evaluate
from dvfl_training.cli.train import train
from dvfl_training.config import load_config, recipe_names
from fake_clips import TINY, FakeEvaluationLoader, FakeTrainingLoader, tiny_manifest

SETTINGS = [f"--set={setting}" for setting in TINY]


@pytest.fixture(scope="module", autouse=True)
def fake_loaders():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dvfl_training.runs.TrainingLoader", FakeTrainingLoader)
        patch.setattr("dvfl_training.runs.EvaluationLoader", FakeEvaluationLoader)
        patch.setattr("dvfl_training.checkpoint_evaluation.EvaluationLoader", FakeEvaluationLoader)
        yield
    torch.set_num_threads(threads)


def invoke(command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], obj=DebugFlag())


def refused(command, *arguments: object) -> str:
    """The message of the error that ends a command."""
    result = invoke(command, *arguments)
    if isinstance(result.exception, DvflError):
        return str(result.exception)
    assert result.exit_code == 2
    return result.output


@pytest.fixture(scope="module")
def teacher(fake_loaders, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    out = ("--manifest", tiny_manifest(folder), "--out", folder / "run", "--device", "cpu")
    result = invoke(train, *out, *SETTINGS, "--set=schedule.epochs=8")
    assert result.exit_code == 0, result.output
    assert "epoch 8 of 8: validation top-1 100.0%" in result.output
    return folder / "run" / "best.pth"


def test_two_commands_make_a_student_that_can_be_converted(teacher, tmp_path) -> None:
    out = ("--manifest", tiny_manifest(tmp_path), "--out", tmp_path / "student")
    result = invoke(distill, "--teacher", teacher, *out, *SETTINGS, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "teacher: top-1 100.0%" in result.output
    assert f"next: dvfl convert {tmp_path}/student/best.pth --out BUNDLE" in result.output
    assert (tmp_path / "student" / "labels.txt").read_text().splitlines() == ["red", "green", "blue"]
    assert load_checkpoint(tmp_path / "student" / "best.pth").architecture.num_classes == 3


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        ("nano", train, ((1, 1, 2, 1), 96, 0.2)),
        ("nano", distill, ((1, 1, 2, 1), 96, 0.1)),
        ("base", train, ((2, 2, 18, 2), 128, 0.5)),
    ],
    ids=["plain student", "distilled student", "teacher"],
)
def test_a_models_name_stands_for_its_published_numbers(name, command, expected, monkeypatch) -> None:
    seen = []
    module = command.callback.__module__
    monkeypatch.setattr(f"{module}.start", lambda request: seen.append(request.config.model))
    option = "--model" if command is train else "--student"
    given = [] if command is train else ["--teacher", "t.pth"]
    invoke(command, option, name, "--manifest", "m.csv", "--out", "run", "--recipe", "ucf101", *given)
    assert (seen[0].depths, seen[0].width, seen[0].drop_path) == expected


def test_a_setting_overrules_the_models_name(monkeypatch) -> None:
    seen = []
    monkeypatch.setattr("dvfl_training.cli.train.start", lambda request: seen.append(request.config.model))
    invoke(train, "--model", "nano", "--manifest", "m", "--out", "r", "--set", "model.drop_path=0")
    assert seen[0].drop_path == 0


def test_every_published_data_set_has_its_recipe() -> None:
    expected = {
        "ucf101",
        "ucf50",
        "hmdb51",
        "ssv2",
        "kinetics400",
        "folder",
        "demo-teacher",
        "demo-student",
        "fine-tune",
    }
    assert set(recipe_names()) == expected


@pytest.mark.parametrize("name", ["ucf101", "ucf50", "hmdb51", "ssv2", "kinetics400"])
def test_the_published_recipes_are_the_published_numbers(name) -> None:
    config = load_config(name)
    schedule, kd = config.schedule, config.distillation
    assert (schedule.epochs, schedule.warmup_epochs, schedule.base_lr, schedule.lr_batch) == (
        120,
        20,
        0.1,
        512,
    )
    assert (kd.divergence, kd.alpha, kd.temperature) == ("forward_kl", 0.2, 10)
    assert (config.optimizer.name, config.run.batch, config.run.label_smoothing) == ("sgd", 24, 0.1)
    assert config.augmentation.flip == (0 if name == "ssv2" else 0.5)
    assert (config.clip.frames, config.clip.size, config.clip.short_side) == (8, 224, 256)


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_the_clips_of_every_recipe_are_what_a_phone_prepares(name) -> None:
    from dvfl.spec import PreprocessingSpec

    clip = load_config(name).clip
    spec = PreprocessingSpec.default().with_clip(clip.frames, clip.size)
    assert clip.short_side == spec.resize.short_side


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_every_recipe_dry_runs(name) -> None:
    small = ("model.width=8", "model.depths=[1, 1, 1, 1]", "clip.frames=2", "clip.size=32", "run.batch=4")
    changes = [f"--set={setting}" for setting in (*small, "clip.short_side=37")]
    result = invoke(train, "--dry-run", "--recipe", name, "--classes", 5, "--device", "cpu", *changes)
    assert result.exit_code == 0, result.output
    assert "4 clips of 2 x 32 x 32" in result.output
    assert "GiB" in result.output


def test_a_dry_run_with_a_manifest_foretells_the_time(tmp_path) -> None:
    result = invoke(train, "--dry-run", "--manifest", tiny_manifest(tmp_path), *SETTINGS, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "for 24 clips, without decoding" in result.output
    assert "for 2 epochs" in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"colours.csv", "colours.json"}


def test_a_dry_run_of_a_distillation_takes_the_teachers_classes(teacher) -> None:
    result = invoke(distill, "--dry-run", "--teacher", teacher, *SETTINGS, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "(3 classes)" in result.output


def test_evaluate_prints_and_writes_every_figure(teacher, tmp_path) -> None:
    manifest = tiny_manifest(tmp_path)
    result = invoke(
        evaluate, teacher, "--manifest", manifest, "--split", "validation", "--json", tmp_path / "e.json"
    )
    assert result.exit_code == 0, result.output
    assert "colours, validation: 12 clips, 4x3 views" in result.output
    assert "top-1  100.0% (95 % interval 75.8% to 100.0%)" in result.output
    written = json.loads((tmp_path / "e.json").read_text())
    assert written["top1"]["right"] == written["clips"] == 12
    assert written["confusion"] == [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
    assert written["worst"] == []


class TestAnUnnamedCheckpoint:
    """What somebody else trained, with classes in an order of its own."""

    @pytest.fixture
    def unnamed(self, teacher, tmp_path) -> Path:
        state = torch.load(teacher, weights_only=False)
        state["config"] = {
            key: value for key, value in state["config"].items() if key not in ("classes", "dataset")
        }
        torch.save(state, tmp_path / "unnamed.pth")
        return tmp_path / "unnamed.pth"

    def test_it_is_warned_about(self, unnamed, tmp_path) -> None:
        arguments = ("--manifest", tiny_manifest(tmp_path), "--split", "validation")
        result = invoke(evaluate, unnamed, *arguments)
        assert "unnamed.pth does not name its classes; taken to be in the data set's order" in result.stderr

    def test_its_labels_give_the_order(self, unnamed, teacher, tmp_path) -> None:
        arguments = ("--manifest", tiny_manifest(tmp_path), "--split", "validation", "--json")
        state = torch.load(unnamed, weights_only=False)
        for key in ("head.weight", "head.bias"):
            state["model"][key] = state["model"][key].flip(0)
        torch.save(state, unnamed)
        invoke(evaluate, teacher, *arguments, tmp_path / "named.json")
        expected = json.loads((tmp_path / "named.json").read_text())
        labels = tmp_path / "labels.txt"
        labels.write_text("\n".join(reversed(expected["per_class"])) + "\n")
        result = invoke(evaluate, unnamed, *arguments, tmp_path / "e.json", "--labels", labels)
        assert (result.exit_code, "warning" in result.stderr) == (0, False)
        assert json.loads((tmp_path / "e.json").read_text()) == expected

    def test_labels_of_another_data_set_are_refused(self, unnamed, tmp_path) -> None:
        labels = tmp_path / "labels.txt"
        labels.write_text("red\ngreen\nviolet\n")
        arguments = ("--manifest", tiny_manifest(tmp_path), "--split", "validation", "--labels", labels)
        assert "and no 'violet'; they must be the same" in refused(evaluate, unnamed, *arguments)


def test_evaluate_uses_the_clips_the_checkpoint_was_trained_on(teacher, tmp_path, monkeypatch) -> None:
    seen = []

    class Remembering(FakeEvaluationLoader):
        def __init__(self, manifest, split, clip, **options) -> None:
            seen.append((clip, options["views"], options["batch"]))
            super().__init__(manifest, split, clip, **options)

    monkeypatch.setattr("dvfl_training.checkpoint_evaluation.EvaluationLoader", Remembering)
    arguments = (teacher, "--manifest", tiny_manifest(tmp_path), "--split", "validation")
    invoke(evaluate, *arguments, "--views", "2x1", "--batch", 5)
    invoke(evaluate, *arguments, "--size", 64, "--frames", 4)
    assert (seen[0][0].frames, seen[0][0].size, seen[0][1], seen[0][2]) == (2, 32, (2, 1), 5)
    assert (seen[1][0].frames, seen[1][0].size, seen[1][0].short_side) == (4, 64, 64)


def test_what_is_evaluated_is_what_a_phone_computes_after_conversion(teacher, tmp_path) -> None:
    from dvfl_converter.inputs import input_of
    from dvfl_training.checkpoint_evaluation import clip_of
    from dvfl_training.data.clips import input_spec

    checkpoint = load_checkpoint(teacher)
    for frames, size in ((None, None), (4, None), (None, 64), (3, 96)):
        assert input_spec(clip_of(teacher, frames, size)) == input_of(checkpoint, frames, size)[0]


@pytest.fixture
def without_blue(tmp_path) -> Path:
    """A manifest whose last class has no clip for validation."""
    from dvfl_training.data.manifest import Split, read_manifest, write_manifest

    whole = read_manifest(tiny_manifest(tmp_path))
    kept = [entry for entry in whole.entries if entry.label != 2 or entry.split is Split.TRAIN]
    write_manifest(tmp_path / "two.csv", whole.header, kept)
    return tmp_path / "two.csv"


def test_a_class_without_validation_clips_is_a_warning(without_blue, tmp_path) -> None:
    arguments = ("--manifest", without_blue, "--out", tmp_path / "run", *SETTINGS, "--device", "cpu")
    result = invoke(train, *arguments)
    assert result.exit_code == 0, result.output
    said = "warning: class 'blue' has no clip for validation; the best network is chosen by the other classes"
    assert said in result.output
    page = (tmp_path / "run" / "training.html").read_text()
    hardest = page[page.index('id="classes"') :]
    assert ">green<" in hardest
    assert ">blue<" not in hardest[: hardest.index("</section>")]


def test_a_class_without_clips_is_not_shown_as_never_recognised(teacher, without_blue) -> None:
    arguments = ("--manifest", without_blue, "--split", "validation", "--views", "1x1")
    result = invoke(evaluate, teacher, *arguments)
    assert result.exit_code == 0, result.output
    assert "warning: class 'blue' has no clip for validation" in result.output
    assert [line.split()[0] for line in result.output.splitlines() if " to 100.0%" in line] == [
        "top-1",
        "red",
        "green",
    ]


class TestRefused:
    def test_a_size_between_the_strides(self, teacher, tmp_path) -> None:
        message = refused(evaluate, teacher, "--manifest", tiny_manifest(tmp_path), "--size", 100)
        assert "--size: 100 is no multiple of 32" in message

    def test_evaluating_on_other_classes(self, teacher, tmp_path) -> None:
        manifest = tiny_manifest(tmp_path, classes=("red", "blue", "green"))
        message = refused(evaluate, teacher, "--manifest", manifest, "--split", "validation")
        assert "its class 1 is 'green', the data set's is 'blue'" in message

    @pytest.mark.parametrize("views", ["4", "0x3", "4x", "axb", "4x2"])
    def test_views_that_are_none(self, views) -> None:
        message = refused(evaluate, "c.pth", "--manifest", "m.csv", "--views", views)
        assert f"'{views}' is not like 1x1 or 4x3" in message

    def test_a_model_with_a_typing_error(self) -> None:
        assert "did you mean 'nano'" in refused(train, "--model", "nan")

    def test_a_recipe_with_a_typing_error(self) -> None:
        assert "did you mean 'ucf101'" in refused(train, "--recipe", "ucf11", "--out", "o", "--manifest", "m")

    @pytest.mark.parametrize("option", ["--out", "--manifest"])
    def test_a_missing_option(self, option, tmp_path) -> None:
        given = {"--out": tmp_path / "run", "--manifest": tmp_path / "m.csv"}
        del given[option]
        assert f"missing option '{option}'" in refused(
            train, *[part for pair in given.items() for part in pair]
        )

    def test_distilling_without_a_teacher(self, tmp_path) -> None:
        message = refused(distill, "--out", tmp_path / "run", "--manifest", tmp_path / "m.csv")
        assert "missing option '--teacher'" in message

    def test_a_dry_run_without_classes(self) -> None:
        assert "needs --manifest, or --classes" in refused(train, "--dry-run")

    @pytest.mark.parametrize(
        ("setting", "said"),
        [
            (
                "shedule.epochs=2",
                "--set shedule.epochs=2: unknown section 'shedule'; did you mean 'schedule'",
            ),
            ("schedule.epoch=2", "--set schedule.epoch=2: unknown option 'epoch'; did you mean 'epochs'"),
            ("distillation.alpha=2", "--set distillation.alpha=2: distillation.alpha: Input should be less"),
        ],
    )
    def test_a_setting_is_named_as_it_was_given(self, setting, said, tmp_path) -> None:
        arguments = ("--recipe", "folder", "--manifest", "m.csv", "--out", tmp_path / "run", "--set", setting)
        assert refused(train, *arguments).startswith(said)

    @pytest.mark.parametrize(
        ("command", "options", "named"),
        [
            (train, ("--recipe", "folder", "--dry-run"), "--recipe, --dry-run"),
            (train, ("--out", "elsewhere", "--model", "tiny"), "--model, --out"),
            (distill, ("--teacher", "t.pth", "--cache-logits", "c"), "--teacher, --cache-logits"),
        ],
    )
    def test_options_that_a_resumed_run_would_ignore(self, command, options, named, teacher) -> None:
        message = refused(command, "--resume", teacher.parent, *options)
        assert f"leave out {named}" in message

    def test_the_description_in_place_of_the_manifest(self, tmp_path) -> None:
        manifest = tiny_manifest(tmp_path).with_suffix(".json")
        message = refused(train, "--out", tmp_path / "run", "--manifest", manifest)
        assert message.endswith("colours.json: is the description; give the colours.csv beside it")

    def test_the_state_of_a_run_in_place_of_its_network(self, teacher, tmp_path) -> None:
        arguments = ("--manifest", tiny_manifest(tmp_path), "--split", "validation")
        message = refused(evaluate, teacher.with_name("last.pth"), *arguments)
        assert "give best.pth beside it" in message

    def test_a_start_that_fails_leaves_no_folder(self, teacher, tmp_path) -> None:
        arguments = ("--manifest", tiny_manifest(tmp_path), "--out", tmp_path / "run", *SETTINGS)
        message = refused(train, *arguments, "--init", teacher, "--set", "model.width=12")
        assert "it has width 8, model.width is 12" in message
        assert not (tmp_path / "run").exists()

    def test_a_manifest_that_is_missing(self, tmp_path) -> None:
        message = refused(train, "--out", tmp_path / "run", "--manifest", tmp_path / "m.csv")
        assert "m.csv: cannot be read (No such file or directory); make it with: dvfl data prepare" in message
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["train", "distill", "evaluate"])
def test_help_teaches_and_needs_no_heavy_import(name) -> None:
    code = (
        f"import sys; from dvfl_training.cli.{name} import {name} as command\n"
        "try: command(['--help'])\n"
        "except SystemExit: print(sorted({'torch', 'cv2', 'av', 'numpy', 'jinja2'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert "Examples:" in result.stdout
