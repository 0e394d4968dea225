"""The arithmetic between multiply-accumulates, milliseconds and the machine's rate."""

from __future__ import annotations

import pytest

from dvfl.manifest import Artifact, ModelCard, OperatorReport, OperatorUse
from dvfl_converter.bench import gemm


def model(**changes):
    card = {
        "name": "nano",
        "depths": (1, 1, 2, 1),
        "width": 96,
        "parameters": 1,
        "macs": 1,
        "frames": 8,
        "size": 224,
        "checkpoint": "x.pth",
        "checkpoint_sha256": "0" * 64,
    }
    return ModelCard(**(card | changes))


def artifact(*macs):
    uses = tuple(
        OperatorUse(
            operator=f"op{index}",
            placement="delegate",
            where="XNNPACK",
            count=1 + index,
            macs=each,
            macs_share=0.0,
            reason="",
        )
        for index, each in enumerate(macs)
    )
    return Artifact.model_construct(
        operators=OperatorReport(delegate="XNNPACK", delegate_calls=1, operators=uses)
    )


class TestShapes:
    def test_nanos_is_the_third_stages_first_mlp_layer(self):
        assert gemm.shapes(model()) == ((1568, 384, 1536), (1024, 1024, 1024))

    def test_a_small_model_gives_a_small_one(self):
        assert gemm.shapes(model(width=32, size=64))[0] == (128, 128, 512)


class TestShare:
    def test_a_rate_is_multiply_accumulates_over_time(self):
        assert gemm.gmacs_per_s((1000, 1000, 1000), 10.0) == pytest.approx(100.0)

    def test_all_at_the_machines_rate_is_one(self):
        # 27 GMACs at 90 GMAC/s are 300 ms.
        assert gemm.share_of_rate(27_000_000_000, 300.0, 90.0) == pytest.approx(1.0)
        assert gemm.share_of_rate(27_000_000_000, 600.0, 90.0) == pytest.approx(0.5)

    def test_the_operators_macs_are_summed_without_their_counts_which_they_hold_already(self):
        assert gemm.executed_macs(artifact(3, 5, 0)) == 8

    def test_nothing_recorded_is_unknown_not_zero(self):
        assert gemm.executed_macs(Artifact.model_construct(operators=None)) is None
        assert gemm.executed_macs(artifact(0)) is None


def test_the_libraries_can_all_multiply():
    from dvfl_converter.bench.subjects import GemmSubject

    names = gemm.libraries()
    subject = GemmSubject(names, ((8, 16, 4), (5, 3, 2)), threads=1)
    subject.prepare()
    subject.load()
    subject.run()
    assert len(subject.sample()) == 2 * len(names)
    assert min(subject.sample()) > 0


def test_each_librarys_product_has_the_shape_asked_for():
    from dvfl_converter.bench.subjects import _product

    for name in gemm.libraries():
        assert tuple(_product(name, 8, 16, 4)().shape) == (8, 4)
