"""Operator compatibility of a model before any conversion."""

from __future__ import annotations

import re
import sys

import pytest
import small_models as small
import torch
from torch import nn

from dvfl.errors import CheckpointError, ConversionError
from dvfl_converter.operators.check import Checked, check_checkpoint, check_model, load_factory
from dvfl_converter.operators.tally import PlacedOperator, tally
from dvfl_converter.targets.registry import TARGETS


class Bessel(nn.Module):
    """An operator that no runtime has."""

    def forward(self, x):
        return torch.special.bessel_j0(x)


def bessel() -> nn.Module:
    return Bessel()


def number() -> int:
    return 3


def broken() -> nn.Module:
    raise ValueError("no weights")


def unexportable() -> nn.Module:
    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    return Branching()


@pytest.fixture(scope="module")
def r3d_18():
    return check_model("torchvision.models.video:r3d_18", TARGETS["executorch"], (1, 3, 8, 32, 32)).report


class TestForeignModels:
    @pytest.mark.slow
    def test_r3d_18s_convolutions_are_not_delegated_by_xnnpack(self, r3d_18):
        uses = [use for use in r3d_18.operators if use.operator == "aten.convolution (Conv3d)"]
        assert uses
        assert {use.placement for use in uses} == {"portable"}
        assert {use.reason for use in uses} == {"XNNPACK convolves in 1 and 2 dimensions only"}
        assert sum(use.count for use in uses) == 20
        assert sum(use.macs_share for use in uses) > 0.99

    @pytest.mark.slow
    def test_and_each_has_its_line_in_torchvision(self, r3d_18):
        uses = [use for use in r3d_18.operators if use.operator == "aten.convolution (Conv3d)"]
        assert all(re.fullmatch(r"torchvision/models/video/resnet\.py:\d+", use.source) for use in uses)

    @pytest.mark.parametrize("target", TARGETS)
    def test_an_operator_that_nothing_runs_is_unsupported_by_name_and_line(self, target):
        checked = check_model(f"{__name__}:bessel", TARGETS[target], (2, 3))
        assert not checked.convertible
        (use,) = [use for use in checked.report.operators if use.placement == "unsupported"]
        assert use.operator == "aten.special_bessel_j0"
        assert use.where == "nowhere"
        assert re.search(r"test_check\.py:\d+$", use.source)

    def test_a_model_that_cannot_be_exported_says_so_in_one_line(self):
        checked = check_model(f"{__name__}:unexportable", TARGETS["coreml"], (2, 3))
        assert (checked.report, checked.convertible) == (None, False)
        assert checked.error.startswith("cannot be exported for coreml: ")
        assert "\n" not in checked.error
        assert checked.slow_share() == 1.0

    @pytest.mark.parametrize(
        ("factory", "said"),
        [
            ("module", "write package.module:factory"),
            (":factory", "write package.module:factory"),
            ("module:", "write package.module:factory"),
            ("no_such_module:make", "No module named 'no_such_module'"),
            ("{here}:absent", "'{here}' has no 'absent'"),
            ("{here}:number", "gives a int, not a torch.nn.Module"),
            ("{here}:broken", "the factory failed: ValueError: no weights"),
        ],
    )
    def test_a_factory_that_is_none(self, factory, said):
        with pytest.raises(ConversionError) as error:
            load_factory(factory.format(here=__name__))
        assert str(error.value).startswith(f"--model {factory.format(here=__name__)}: ")
        assert said.format(here=__name__) in str(error.value)

    def test_a_factory_beside_the_user_is_found(self, tmp_path, monkeypatch):
        (tmp_path / "my_own_model.py").write_text("import torch\nmake = torch.nn.ReLU\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
        assert isinstance(load_factory("my_own_model:make"), nn.ReLU)


class TestCheckpoints:
    def test_it_checks_the_program_that_convert_converts(self, sources, converted):
        checked = check_checkpoint(sources / "student.pth", TARGETS["executorch"], small.FRAMES, small.SIZE)
        assert checked.convertible
        assert checked.report == converted.artifact("executorch", "fp32").operators

    def test_core_ml_has_the_same_work_before_and_after_conversion(self, sources, converted):
        """Its operators are ATen's before, its own after."""
        checked = check_checkpoint(sources / "student.pth", TARGETS["coreml"], small.FRAMES, small.SIZE)
        assert checked.convertible
        work = [
            sum(use.macs for use in report.operators)
            for report in (checked.report, converted.artifact("coreml").operators)
        ]
        assert work[0] == work[1]

    def test_a_size_that_the_network_cannot_take(self, sources):
        with pytest.raises(ConversionError, match="--size must be a multiple of 32"):
            check_checkpoint(sources / "student.pth", TARGETS["coreml"], 8, 100)

    def test_a_file_that_is_no_checkpoint(self, sources):
        with pytest.raises(CheckpointError, match=r"labels\.txt: not a PyTorch checkpoint"):
            check_checkpoint(sources / "labels.txt", TARGETS["coreml"], 8, 64)


def report(accelerator, **macs):
    operators = [
        PlacedOperator(f"op{i}", kind, "", "", share) for i, (kind, share) in enumerate(macs.items())
    ]
    return Checked("target", tally(operators, accelerator, int(bool(accelerator))))


class TestSlowShare:
    def test_with_a_delegate_everything_outside_it_is_slow(self):
        assert report("XNNPACK", delegate=70, native=20, portable=10).slow_share() == pytest.approx(0.3)
        assert report("XNNPACK", delegate=70).slow_share() == 0.0

    def test_without_one_the_runtimes_own_operators_are_not(self):
        assert report(None, native=100).slow_share() == 0.0
        assert report(None, native=60, unsupported=40).slow_share() == pytest.approx(0.4)
        assert report(None, portable=100).slow_share() == 1.0

    def test_only_an_unsupported_operator_prevents_a_conversion(self):
        assert report("XNNPACK", delegate=1, portable=99).convertible
        assert not report("XNNPACK", delegate=99, unsupported=1).convertible
        assert not Checked("target", None, "failed").convertible
