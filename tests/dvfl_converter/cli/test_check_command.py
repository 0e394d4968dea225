"""``dvfl check``: the table, the JSON, and the gate."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A module of models beside the user."""
    (tmp_path / "users_models.py").write_text(
        "import torch\n"
        "class Conv3d(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.flat = torch.nn.Conv2d(3, 4, 3)\n"
        "        self.deep = torch.nn.Conv3d(4, 4, 3, padding=1)\n"
        "    def forward(self, x):\n"
        "        return self.deep(self.flat(x)[None].permute(0, 2, 1, 3, 4))\n"
        "class Bessel(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return torch.special.bessel_j0(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


CONV3D = ("check", "--model", "users_models:Conv3d", "--input", "4,3,8,8", "--target", "executorch")


class TestAModel:
    def test_what_stays_off_the_delegate_is_named_with_count_work_reason_and_line(self, dvfl, models):
        code, out, _ = dvfl(*CONV3D)
        assert code == 0
        row = next(line for line in out.splitlines() if "Conv3d" in line)
        assert "aten.convolution (Conv3d)" in row
        assert "portable kernel" in row
        assert "XNNPACK convolves in 1 and 2 dimensions only" in row
        assert "users_models.py:8" in row
        assert "XNNPACK delegate: " in out
        assert "20.0% of the MACs" in out

    def test_json(self, dvfl, models):
        assert dvfl(*CONV3D, "--json", "report.json")[0] == 0
        data = json.loads((models / "report.json").read_text())
        assert list(data) == ["executorch"]
        assert (data["executorch"]["convertible"], data["executorch"]["error"]) == (True, None)
        uses = {use["operator"]: use for use in data["executorch"]["report"]["operators"]}
        deep = uses["aten.convolution (Conv3d)"]
        assert (deep["placement"], deep["count"]) == ("portable", 1)
        # 4 frames of 6 x 6, 4 channels from 4, 27 taps; the other has 4 channels from 3 and 9 taps.
        assert deep["macs"] == 4 * 36 * 4 * 4 * 27
        assert deep["macs_share"] == 0.8
        assert deep["source"].endswith("users_models.py:8")

    def test_the_budget_is_a_gate(self, dvfl, models):
        code, out, err = dvfl(*CONV3D, "--max-portable-share", "0.5")
        assert code == 1
        assert "aten.convolution (Conv3d)" in out
        assert err.startswith("error: executorch: ")
        assert "of the MACs off the delegate, budget 50.0%" in err
        assert err.count("\n") == 1
        assert dvfl(*CONV3D, "--max-portable-share", "0.99")[0] == 0

    def test_an_unsupported_operator_exits_with_1_whatever_the_budget(self, dvfl, models):
        asked = ("--input", "2,3", "--max-portable-share", "1")
        code, _, err = dvfl("check", "--model", "users_models:Bessel", *asked)
        assert code == 1
        for target in ("executorch", "coreml", "litert"):
            assert f"{target}: unsupported operator aten.special_bessel_j0 (" in err
        assert "users_models.py:11" in err
        assert err.count("\n") == 1

    def test_a_factory_that_does_not_import_is_one_line(self, refused):
        assert "No module named 'no_such'" in refused("check", "--model", "no_such:make")


class TestACheckpoint:
    def test_it_ends_with_the_next_step(self, dvfl, sources):
        code, out, err = dvfl("check", sources / "student.pth", "--target", "coreml", "--size", 64)
        assert code == 0
        assert out.startswith("\ncoreml\n")
        assert err == f"\nnext: dvfl convert {sources / 'student.pth'} --labels LABELS.txt --out BUNDLE\n"

    def test_a_missing_file_is_one_line(self, refused, tmp_path):
        assert "no such file" in refused("check", tmp_path / "none.pth", "--target", "coreml")

    def test_an_unknown_target_is_one_line(self, refused, sources):
        assert "did you mean 'coreml'?" in refused("check", sources / "student.pth", "--target", "coremll")

    def test_a_size_between_the_strides_is_one_line(self, refused, sources):
        assert "--size must be a multiple of 32" in refused("check", sources / "student.pth", "--size", "65")


class TestUsage:
    def test_either_a_checkpoint_or_a_model(self, dvfl, sources):
        assert dvfl("check")[0] == 2
        assert dvfl("check", sources / "student.pth", "--model", "a:b")[0] == 2

    @pytest.mark.parametrize("shape", ["", "1,a", "1,0,3", "1;2", "-1,3"])
    def test_a_shape_that_is_none(self, dvfl, shape):
        code, _, err = dvfl("check", "--model", "a:b", "--input", shape)
        assert code == 2
        assert "is no shape; write e.g. 1,3,8,112,112" in err

    @pytest.mark.parametrize("command", ["convert", "check", "verify", "bench"])
    def test_help_teaches(self, dvfl, command):
        code, out, _ = dvfl(command, "--help")
        assert code == 0
        assert "Examples:" in out
        assert f"dvfl {command} " in out
