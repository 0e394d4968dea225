"""The network while it is trained: the start that learns from scratch, and the norm that folds away."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from dvfl.model import VARIANTS, Architecture
from dvfl_training.config import ModelConfig
from dvfl_training.network import TrainingNetwork, logits

FROM_SCRATCH = ModelConfig(drop_path=0.0, start="unit_gain", feature_norm=True)


def network(depths=(1, 1, 2, 1), width=8, config: ModelConfig = FROM_SCRATCH) -> TrainingNetwork:
    torch.manual_seed(0)
    return TrainingNetwork(Architecture(depths, width, 10), config)


@pytest.mark.parametrize(("depths", "width"), [((1, 1, 2, 1), 8), ((2, 1, 3, 2), 12)])
def test_the_folded_network_has_the_same_logits(depths, width) -> None:
    trained = network(depths, width)
    clips = torch.randn(4, 2, 3, 32, 32)
    for _ in range(2):
        trained(clips)
    trained.eval()
    with torch.no_grad():
        torch.testing.assert_close(trained.folded()(clips), trained(clips), rtol=1e-5, atol=1e-5)


def test_folding_leaves_the_trained_network_as_it_was() -> None:
    trained = network()
    before = {key: value.clone() for key, value in trained.state_dict().items()}
    trained.folded()
    assert all(torch.equal(value, before[key]) for key, value in trained.state_dict().items())


def test_the_folded_network_has_the_released_keys_and_no_gradients() -> None:
    folded = network().folded()
    plain = network(config=ModelConfig()).network
    assert list(folded.state_dict()) == list(plain.state_dict())
    assert not any(parameter.requires_grad for parameter in folded.parameters())


def test_without_a_norm_folding_is_a_copy() -> None:
    plain = network(config=ModelConfig())
    assert all(
        torch.equal(value, plain.network.state_dict()[key])
        for key, value in plain.folded().state_dict().items()
    )


@pytest.mark.parametrize("name", ["nano", "tiny"])
def test_unit_gain_starts_the_temporal_modulator_as_the_product(name) -> None:
    torch.manual_seed(0)
    started = TrainingNetwork(Architecture(VARIANTS[name].depths, 16, 10), FROM_SCRATCH)
    modulation = started.network.layers[0].blocks[0].modulation
    assert torch.equal(modulation.h.bias, torch.ones(16))
    assert torch.equal(modulation.f.bias[:16], torch.ones(16))
    spread = modulation.f.weight.detach()
    assert float(spread[:16].std()) < 0.2 * float(spread[16:32].std())


def test_features_are_normalised_over_the_batch_while_training() -> None:
    trained = network()
    seen = []
    trained.normalise.register_forward_hook(lambda _, __, out: seen.append(out))
    trained(torch.randn(16, 2, 3, 32, 32))
    torch.testing.assert_close(seen[0].mean(0), torch.zeros(64), rtol=0, atol=1e-4)
    torch.testing.assert_close(seen[0].var(0, unbiased=False), torch.ones(64), rtol=0.05, atol=0.05)


def test_half_precision_features_still_give_float32_logits() -> None:
    plain = network().network.eval()
    clips = torch.randn(2, 2, 3, 32, 32)
    with torch.no_grad():
        half, full = logits(plain, clips, torch.bfloat16), logits(plain, clips)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0.2, atol=0.2)


def test_compiled_features_give_the_same_logits(monkeypatch) -> None:
    # The same way through the compiler, without a minute of code generation at its end.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    compiled = network((1, 1, 1, 1)).eval()
    clips = torch.randn(2, 2, 3, 32, 32)
    with torch.no_grad():
        expected = compiled(clips)
        compiled.compile_features()
        torch.testing.assert_close(compiled(clips), expected, rtol=1e-4, atol=1e-4)
    assert not any("_orig_mod" in key for key in compiled.state_dict())
