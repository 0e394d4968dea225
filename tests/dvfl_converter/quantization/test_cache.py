"""A search is asked once; anything that could change its answer asks again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_models as small

from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.clips import NamedClip
from dvfl_converter.inputs import Inputs
from dvfl_converter.parity.gates import GATES
from dvfl_converter.quantization import cache
from dvfl_converter.quantization.cache import question, recall, remember
from dvfl_converter.quantization.plan import uniform
from dvfl_converter.quantization.search import Found, Sensitivity, Trial
from dvfl_converter.targets.registry import TARGETS

LITERT = TARGETS["litert"]
TRIAL = Trial("all static", uniform("litert", ["a"], "static"), 9, 0.999, 0.99, "c", 1.0, 25.0, "", 0.5)
FOUND = Found((TRIAL,), (Sensitivity("MLP", "static", 40.0, 5),), TRIAL)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "dvfl" / "quantization"


@pytest.fixture(scope="module")
def inputs(sources) -> Inputs:
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    return Inputs(
        load_checkpoint(sources / "student.pth"),
        small.LABELS,
        small.SPEC,
        (),
        (pixels,),
        (NamedClip("a", pixels),),
    )


def test_what_is_remembered_is_recalled():
    remember("key", FOUND)
    assert recall("key") == FOUND


def test_what_was_never_asked_is_not():
    assert recall("key") is None


def test_a_damaged_file_is_as_none(own_folder):
    remember("key", FOUND)
    (own_folder / "key.json").write_text("{")
    assert recall("key") is None


def test_a_folder_that_cannot_be_written_loses_nothing_else(own_folder):
    own_folder.parent.mkdir(parents=True)
    own_folder.write_text("a file in the way")
    remember("key", FOUND)
    assert recall("key") is None


class TestQuestion:
    def test_the_same_is_the_same(self, inputs):
        assert question(LITERT, inputs, GATES["int8"]) == question(LITERT, replace(inputs), GATES["int8"])

    def test_names_of_clips_do_not_matter(self, inputs):
        (clip,) = inputs.selection
        renamed = replace(inputs, selection=(NamedClip("b", clip.pixels),))
        assert question(LITERT, renamed, GATES["int8"]) == question(LITERT, inputs, GATES["int8"])

    def test_anything_else_does(self, inputs):
        (clip,) = inputs.selection
        other = clip.pixels + np.uint8(1)
        changed = [
            question(LITERT, replace(inputs, selection=(NamedClip("a", other),)), GATES["int8"]),
            question(LITERT, replace(inputs, calibration=(other,)), GATES["int8"]),
            question(LITERT, replace(inputs, spec=small.SPEC.with_clip(4, 64)), GATES["int8"]),
            question(
                LITERT, replace(inputs, checkpoint=replace(inputs.checkpoint, sha256="0" * 64)), GATES["int8"]
            ),
            question(LITERT, inputs, GATES["fp16"]),
            question(TARGETS["executorch"], inputs, GATES["int8"]),
        ]
        assert len({question(LITERT, inputs, GATES["int8"]), *changed}) == len(changed) + 1

    def test_so_does_another_machine(self, inputs, monkeypatch):
        before = question(LITERT, inputs, GATES["int8"])
        monkeypatch.setattr(cache, "machine", lambda: "another processor")
        assert question(LITERT, inputs, GATES["int8"]) != before
