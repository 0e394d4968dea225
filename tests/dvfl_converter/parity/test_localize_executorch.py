"""Localising in an ExecuTorch artifact, by a fresh conversion that shows its layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dvfl.bundle import Bundle
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.localize import Drift, localize
from dvfl_converter.targets.executorch import backend

pytestmark = pytest.mark.slow


def drift_of(folder: Path) -> Drift:
    bundle = Bundle.open(folder)
    clip = NamedClip("clip", bundle.reference_clip(bundle.manifest.reference_vectors[0]))
    drift = localize(bundle, bundle.artifact("executorch", "fp32"), clip)
    assert drift is not None
    return drift


def test_a_sound_conversion_shows_every_layer_of_the_reference(tiny_bundle: Path) -> None:
    drift = drift_of(tiny_bundle)
    assert drift.reconverted
    assert drift.layer is None
    assert drift.last_good == "head"


def test_a_fault_in_the_lowering_is_named(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = backend.lowered

    def faulty(network, spec, precision):
        program = sound(network, spec, precision)
        weight = dict(program.module.named_parameters())["body.3.modulation.temporal_out.weight"]
        with torch.no_grad():
            weight.view(-1)[weight.abs().argmax()] *= -1
        return program

    monkeypatch.setattr(backend, "lowered", faulty)
    drift = drift_of(tiny_bundle)
    assert drift.layer == "layers.1.blocks.0.modulation.h_temporal"
    assert drift.last_good == "layers.1.blocks.0.modulation.h"
