"""The command line: output, help, errors on one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import get_args

import numpy as np
import pytest
from videos import numbered_video, write_audio

import tiny_bundle as tiny
from dvfl.cli import main
from dvfl.cli.predict import ENGINE_NAMES, PRECISIONS
from dvfl.engines import ENGINES
from dvfl.manifest import Precision
from dvfl.recognizer import ActionRecognizer
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip

COMMANDS = ("predict", "preprocess", "inspect")


@pytest.fixture
def dvfl(capsys):
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


@pytest.fixture
def refused(dvfl):
    """Runs a command that must fail with one line on stderr; returns the line."""

    def run(*arguments) -> str:
        code, out, err = dvfl(*arguments)
        assert code == 1
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    return run


def in_process(*arguments, **how) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dvfl.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **how)


class TestPredict:
    @pytest.mark.parametrize("engine", ["litert", "executorch", "torch"])
    def test_json(self, dvfl, tiny_bundle, clip_file, engine):
        code, out, err = dvfl("predict", tiny_bundle, clip_file, "--engine", engine, "--json", "--top", "all")
        data = json.loads(out)
        assert (code, err) == (0, "")
        assert list(data) == ["clip", "engine", "precision", "predictions"]
        assert (data["clip"], data["engine"], data["precision"]) == (str(clip_file), engine, "fp32")
        assert all(list(found) == ["index", "label", "logit", "score"] for found in data["predictions"])
        logits = [found["logit"] for found in data["predictions"]]
        assert len(logits) == len(tiny.LABELS)
        assert logits == sorted(logits, reverse=True)
        with ActionRecognizer.open(tiny_bundle, engine) as opened:
            assert logits == [found.logit for found in opened.recognize(clip_file, None)]

    def test_table(self, dvfl, tiny_bundle, clip_file):
        code, out, err = dvfl("predict", tiny_bundle, clip_file, "--top", "2", "--threads", "1")
        assert code == 0
        assert out.startswith(f"{clip_file}  (litert, fp32)\n")
        assert len([line for line in out.splitlines() if "%" in line]) == 2
        assert err == f"\nnext: dvfl inspect {tiny_bundle}\n"

    def test_missing_bundle(self, refused, tmp_path, clip_file):
        assert "no such bundle folder" in refused("predict", tmp_path / "none", clip_file)

    def test_changed_byte(self, refused, bundle_copy, clip_file):
        path = bundle_copy / tiny.LITERT_FILE
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        assert "was changed after conversion" in refused("predict", bundle_copy, clip_file)

    @pytest.mark.skipif(sys.platform == "darwin", reason="Core ML runs here")
    def test_core_ml_off_macos(self, refused, tiny_bundle, clip_file):
        assert "only on macOS" in refused("predict", tiny_bundle, clip_file, "--engine", "coreml")

    def test_a_precision_that_the_bundle_lacks(self, refused, tiny_bundle, clip_file):
        said = refused("predict", tiny_bundle, clip_file, "--precision", "int8")
        assert "this bundle holds: litert-fp32" in said

    def test_a_wrong_word_gets_a_suggestion(self, dvfl, tiny_bundle, clip_file):
        code, _, err = dvfl("predict", tiny_bundle, clip_file, "--engine", "litrt")
        assert code == 2
        assert "did you mean 'litert'? choices: litert, executorch, coreml, torch" in err
        code, _, err = dvfl("predict", tiny_bundle, clip_file, "--precision", "fp61")
        assert code == 2
        assert "choices: fp32, fp16, int8" in err

    @pytest.mark.parametrize("top", ["0", "-1", "many", "1.5"])
    def test_a_wrong_top(self, dvfl, tiny_bundle, clip_file, top):
        code, _, err = dvfl("predict", tiny_bundle, clip_file, "--top", top)
        assert code == 2
        assert "neither 'all' nor a number" in err

    def test_the_words_are_those_of_the_sdk(self):
        assert tuple(ENGINES) == ENGINE_NAMES
        assert get_args(Precision) == PRECISIONS


def bad_videos(folder):
    """A name and a file for every way in which a video is none."""
    good = numbered_video(folder / "good.mp4").read_bytes()
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"this is no video\n" * 100,
        "truncated.mp4": good[: len(good) // 2],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    numbered_video(folder / "one_frame.mp4", count=1)
    (folder / "folder.mp4").mkdir()
    audio = write_audio(folder / "audio.wav")
    return [*(folder / name for name in contents), folder / "one_frame.mp4", folder / "folder.mp4", audio]


class TestBadVideo:
    def test_each_gets_one_line(self, refused, tiny_bundle, tmp_path):
        for path in [*bad_videos(tmp_path), tmp_path / "none.mp4"]:
            out = tmp_path / "clip.npy"
            assert str(path) in refused("predict", tiny_bundle, path)
            assert str(path) in refused("preprocess", path, "--out", out)
            assert not out.exists()
            assert not list(tmp_path.glob(".clip*"))


class TestPreprocess:
    def test_default_is_the_released_students_input(self, dvfl, clip_file, tmp_path):
        out = tmp_path / "clip.npy"
        code, said, err = dvfl("preprocess", clip_file, "--out", out)
        pixels = np.load(out)
        assert code == 0
        assert (pixels.dtype, pixels.shape) == (np.uint8, (8, 224, 224, 3))
        assert np.array_equal(pixels, load_clip(clip_file, PreprocessingSpec.default()).pixels)
        assert said.startswith(f"{out}: uint8 [8, 224, 224, 3]")
        assert err.startswith("\nnext: dvfl predict BUNDLE")

    def test_for_a_bundle(self, dvfl, tiny_bundle, clip_file, tmp_path):
        out = tmp_path / "clip.npy"
        assert dvfl("preprocess", clip_file, "--out", out, "--bundle", tiny_bundle)[0] == 0
        assert np.array_equal(np.load(out), load_clip(clip_file, tiny.SPEC).pixels)

    def test_unwritable_output(self, refused, clip_file, tmp_path):
        assert "does not exist; create it" in refused("preprocess", clip_file, "--out", tmp_path / "no" / "x")
        assert "not a regular file" in refused("preprocess", clip_file, "--out", tmp_path)

    def test_full_output_folder(self, clip_file, tmp_path):
        code = (
            "import resource, signal, sys\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "from dvfl.cli import main; main(sys.argv[1:])"
        )
        out = tmp_path / "clip.npy"
        done = subprocess.run(
            [sys.executable, "-c", code, "preprocess", str(clip_file), "--out", str(out)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {out}: cannot be written: ")
        assert done.stderr.count("\n") == 1
        assert list(tmp_path.iterdir()) == []


class TestInspect:
    def test_table(self, dvfl, tiny_bundle):
        code, out, err = dvfl("inspect", tiny_bundle)
        assert code == 0
        for word in ("nano-w8", "litert-fp32", "executorch-fp32", "coreml-fp32", "THWC 8x64x64x3", "shake"):
            assert word in out
        assert out.count("intact") == 5
        assert err == f"\nnext: dvfl predict {tiny_bundle} CLIP\n"

    def test_json(self, dvfl, tiny_bundle):
        code, out, _ = dvfl("inspect", tiny_bundle, "--json")
        data = json.loads(out)
        assert code == 0
        assert data["intact"] is True
        assert data["manifest"] == json.loads((tiny_bundle / "manifest.json").read_text())
        assert set(data["files"]) == {
            tiny.LITERT_FILE,
            tiny.EXECUTORCH_FILE,
            tiny.COREML_FILE,
            tiny.REFERENCE_FILE,
            tiny.VECTOR_FILE,
        }

    def test_damage_is_shown_and_fails(self, dvfl, bundle_copy):
        (bundle_copy / tiny.EXECUTORCH_FILE).write_bytes(b"other")
        (bundle_copy / tiny.VECTOR_FILE).unlink()
        code, out, err = dvfl("inspect", bundle_copy)
        assert code == 1
        assert out.count("DAMAGED") == 2
        assert err.startswith("error: ")
        code, out, _ = dvfl("inspect", bundle_copy, "--json")
        data = json.loads(out)
        assert (code, data["intact"]) == (1, False)
        assert "was changed" in data["files"][tiny.EXECUTORCH_FILE]
        assert "is missing" in data["files"][tiny.VECTOR_FILE]


class TestGroup:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_teaches(self, dvfl, command):
        code, out, _ = dvfl(command, "--help")
        assert code == 0
        assert "Examples:" in out
        assert f"dvfl {command} " in out

    def test_lists_the_commands(self, dvfl):
        code, out, _ = dvfl("--help")
        assert code == 0
        assert all(f"  {command} " in out for command in COMMANDS)

    def test_version(self, dvfl):
        assert dvfl("--version")[1].startswith("dvfl 0")

    def test_unknown_command(self, dvfl):
        code, _, err = dvfl("predit")
        assert code == 2
        assert "unknown command 'predit'; did you mean 'predict'? choices: predict, preprocess" in err

    def test_unknown_option(self, dvfl):
        code, _, err = dvfl("predict", "a", "b", "--jsn")
        assert code == 2
        assert "--json" in err

    def test_debug_shows_the_traceback_before_or_after_the_command(self, dvfl, tmp_path):
        for arguments in (["--debug", "inspect", tmp_path], ["inspect", tmp_path, "--debug"]):
            code, _, err = dvfl(*arguments)
            assert code == 1
            assert err.startswith("Traceback")
            assert err.splitlines()[-1].startswith("error: ")

    def test_help_is_fast_and_light(self):
        started = time.perf_counter()
        done = in_process("--help")
        took = time.perf_counter() - started
        assert done.returncode == 0
        # A tenth of a second on an idle machine; the limit leaves room for a busy one.
        assert took < 2
        code = (
            "import sys\nfrom dvfl.cli import main\n"
            "try: main(['--help'])\nexcept SystemExit: pass\n"
            "heavy = {'torch', 'av', 'executorch', 'ai_edge_litert', 'coremltools', 'rich'}\n"
            "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]"


class TestCommandsOfOtherPackages:
    @pytest.fixture
    def environment(self, tmp_path):
        """A package that adds three commands by the entry-point group."""
        info = tmp_path / "other-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[dvfl.commands]\n"
            "greet = other:greet\n"
            "absent = not_there:command [convert]\n"
            "predict = other:greet\n"
        )
        (tmp_path / "other.py").write_text(
            "import click\n"
            "from dvfl.errors import DvflError\n"
            "@click.command(short_help='Say hello.')\n"
            "@click.option('--how', default='hello')\n"
            "def greet(how):\n"
            "    if how == 'error': raise DvflError('a\\nb')\n"
            "    if how == 'bug': raise ZeroDivisionError('by zero')\n"
            "    if how == 'interrupt': raise KeyboardInterrupt\n"
            "    if how == 'forever':\n"
            "        import time\n"
            "        print('started', flush=True)\n"
            "        time.sleep(60)\n"
            "    if how == 'flood':\n"
            "        for i in range(100_000): click.echo(i)\n"
            "    click.echo(how)\n"
        )
        paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
        return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def test_listed_and_run(self, environment):
        out = in_process("--help", env=environment).stdout
        assert "Say hello." in out
        assert "Not installed; pip install 'dvfl[convert]'" in out
        assert out.index("  inspect ") < out.index("  greet ")
        assert in_process("greet", env=environment).stdout == "hello\n"

    def test_one_that_does_not_import_names_its_extra(self, environment):
        done = in_process("absent", "x", "--some", "option", env=environment)
        assert done.returncode == 1
        assert done.stderr.startswith("error: 'absent' is not installed (No module named 'not_there')")
        assert done.stderr.endswith("pip install 'dvfl[convert]'\n")

    def test_cannot_replace_a_command_of_this_package(self, environment):
        assert "video CLIP" in in_process("predict", "--help", env=environment).stdout

    def test_an_error_is_one_line(self, environment):
        done = in_process("greet", "--how", "error", env=environment)
        assert (done.returncode, done.stderr) == (1, "error: a b\n")

    def test_a_bug_is_one_line_too(self, environment):
        done = in_process("greet", "--how", "bug", env=environment)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ZeroDivisionError: by zero (unexpected; run again with --debug")
        debugged = in_process("greet", "--how", "bug", "--debug", env=environment)
        assert "Traceback" in debugged.stderr

    def test_interrupt_is_quiet(self, environment):
        done = in_process("greet", "--how", "interrupt", env=environment)
        assert (done.returncode, done.stderr.strip()) == (130, "")

    def test_ctrl_c(self, environment):
        command = [sys.executable, "-m", "dvfl.cli", "greet", "--how", "forever"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout.readline() == "started\n"
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=30)
        assert (running.returncode, err.strip()) == (130, "")

    def test_a_reader_that_goes_away(self, environment):
        command = [sys.executable, "-m", "dvfl.cli", "greet", "--how", "flood"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            running.stdout.readline()
            running.stdout.close()
            err = running.stderr.read()
            running.wait(30)
        assert (running.returncode, err) == (1, "")
