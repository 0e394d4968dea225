"""Artifacts with minimally filtered temporal convolutions, on the runtimes themselves."""

from __future__ import annotations

import pytest
import small_models as small

from dvfl_converter.lowering import winograd
from dvfl_converter.lowering.winograd import Form
from dvfl_converter.pipeline import convert
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(request_for, tmp_path_factory):
    """Both runtimes' fp32 artifacts of the small network, with it in every stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "FEWEST_POSITIONS", 1)
        for module in (litert, executorch):
            patch.setattr(module, "FORMS", (Form(3, 4, fewest_channels=1), Form(5, 4, fewest_channels=1)))
        out = tmp_path_factory.mktemp("winograd") / "bundle"
        outcome = convert(request_for(out, ("litert", "executorch"), ("fp32",)), quiet=True)
    assert outcome.failures == ()
    return {artifact.target: artifact for artifact in outcome.manifest.artifacts}


@pytest.mark.parametrize("target", ["litert", "executorch"])
class TestArtifacts:
    def test_they_say_what_pytorch_says(self, made, target):
        parity = made[target].parity
        assert parity.status == "passed"
        assert parity.worst.error_of_range < 1e-5

    def test_they_stay_in_one_delegate_call(self, made, target):
        report = made[target].operators
        assert report.delegate_calls == 1
        assert [use.operator for use in report.operators if use.placement != "delegate"] == []

    def test_they_do_with_fewer_products(self, made, target, converted):
        def macs(artifact):
            return sum(use.macs for use in artifact.operators.operators)

        saved = 1 - macs(made[target]) / macs(converted.artifact(target, "fp32"))
        # 6 of 12 and 8 of 20 products save 4.5 of a block's 22 C^2; the sums cost 25 to 28 C, a third of that
        # in a network of 8 to 64 channels.
        assert 0.09 < saved < 4.5 / 22

    def test_their_weights_are_those_of_the_transformed_kernels(self, made, target, converted):
        matrices = 6 * sum((8 << stage) ** 2 for stage in range(len(small.TINY.depths)))
        grown = made[target].bytes - converted.artifact(target, "fp32").bytes
        assert grown > 4 * matrices
