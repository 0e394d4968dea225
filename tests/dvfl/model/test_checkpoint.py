"""Loading a checkpoint: what is accepted, what is refused, and that nothing in the file ever runs."""

from __future__ import annotations

import builtins
import collections
import os
import sys
import types
import warnings
import zipfile

import numpy as np
import pytest
import torch

from dvfl.errors import CheckpointError
from dvfl.hashing import sha256_file
from dvfl.model import Architecture, VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint

TINY = Architecture(depths=(1, 1, 2, 1), width=8, num_classes=5)


@pytest.fixture(scope="module")
def network() -> VideoFocalNet:
    torch.manual_seed(0)
    return VideoFocalNet(TINY).eval()


@pytest.fixture
def weights(network) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.fixture
def refused(tmp_path):
    """Saves content that must be refused in one line which names the file; returns the line."""

    def check(content=None, path=None) -> str:
        if path is None:
            path = tmp_path / "refused.pth"
            torch.save(content, path)
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(path)
        said = str(error.value)
        assert said.startswith(f"{path}: ")
        assert "\n" not in said
        return said.removeprefix(f"{path}: ")

    return check


@pytest.fixture
def config_class(monkeypatch):
    """A stand-in for yacs' CfgNode: a dict with attributes, which pickles by its module's name."""

    class CfgNode(dict):
        def __init__(self, content=None):
            super().__init__(content or {})
            self.__dict__["__immutable__"] = True

    CfgNode.__module__, CfgNode.__qualname__ = "yacs.config", "CfgNode"
    package, module = types.ModuleType("yacs"), types.ModuleType("yacs.config")
    module.CfgNode = CfgNode
    monkeypatch.setitem(sys.modules, "yacs", package)
    monkeypatch.setitem(sys.modules, "yacs.config", module)
    return CfgNode


def same(loaded, weights) -> bool:
    return loaded.keys() == weights.keys() and all(torch.equal(loaded[k], weights[k]) for k in weights)


class TestAccepted:
    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("protocol", [2, 4])
    def test_the_released_format_needs_no_yacs(
        self, weights, config_class, monkeypatch, tmp_path, zipped, protocol
    ):
        config = config_class({"MODEL": config_class({"DEPTHS": [1, 1, 2, 1], "NAME": "nano"}), "LR": 0.1})
        released = {
            "model": collections.OrderedDict(weights),
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]},
            "lr_scheduler": {"t": 3},
            "max_accuracy": np.float64(82.7),
            "epoch": 120,
            "config": config,
        }
        path = tmp_path / "released.pth"
        torch.save(released, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        monkeypatch.delitem(sys.modules, "yacs.config")
        monkeypatch.delitem(sys.modules, "yacs")
        checkpoint = load_checkpoint(path)
        assert "yacs" not in sys.modules
        assert checkpoint.architecture == TINY
        assert checkpoint.sha256 == sha256_file(path)
        assert same(checkpoint.weights, weights)

    @pytest.mark.parametrize("zipped", [True, False])
    def test_a_bare_state_dict(self, weights, tmp_path, zipped):
        path = tmp_path / "bare.pth"
        torch.save(weights, path, _use_new_zipfile_serialization=zipped)
        assert same(load_checkpoint(str(path)).weights, weights)

    def test_parameters_in_place_of_tensors(self, network, tmp_path):
        torch.save(dict(network.named_parameters()), tmp_path / "parameters.pth")
        assert same(load_checkpoint(tmp_path / "parameters.pth").weights, network.state_dict())

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_another_precision_becomes_float32(self, weights, tmp_path, dtype):
        narrow = {key: value.to(dtype) for key, value in weights.items()}
        torch.save({"model": narrow}, tmp_path / "narrow.pth")
        checkpoint = load_checkpoint(tmp_path / "narrow.pth")
        assert {value.dtype for value in checkpoint.weights.values()} == {torch.float32}
        assert same(checkpoint.weights, {key: value.float() for key, value in narrow.items()})

    def test_the_clip_that_it_was_trained_on(self, weights, tmp_path):
        config = {"frames": 4, "size": 64, "short_side": 80, "classes": ["a", "b"]}
        torch.save({"model": weights, "config": config}, tmp_path / "trained.pth")
        clip = load_checkpoint(tmp_path / "trained.pth").clip
        assert (clip.frames, clip.size, clip.short_side) == (4, 64, 80)

    @pytest.mark.parametrize(
        "config",
        [None, "text", {}, {"frames": 8, "size": 64}, {"frames": 8, "size": "64", "short_side": 73}],
        ids=["none", "text", "empty", "without short side", "size as text"],
    )
    def test_without_such_a_clip_it_names_none(self, weights, tmp_path, config):
        torch.save({"model": weights, "config": config}, tmp_path / "other.pth")
        assert load_checkpoint(tmp_path / "other.pth").clip is None

    @pytest.mark.parametrize(
        "architecture",
        [
            TINY,
            Architecture((1, 1, 1, 1), 12, 2),
            Architecture((2, 1, 3, 2), 4, 11),
            Architecture((1, 1, 11, 1), 4, 1),
        ],
    )
    def test_the_architecture_is_inferred_from_the_tensors(self, tmp_path, architecture):
        torch.save(VideoFocalNet(architecture).state_dict(), tmp_path / "any.pth")
        assert load_checkpoint(tmp_path / "any.pth").architecture == architecture

    def test_the_network_computes_what_the_saved_one_did(self, network, weights, tmp_path):
        torch.save(weights, tmp_path / "bare.pth")
        loaded = load_checkpoint(tmp_path / "bare.pth").network()
        clip = torch.randn(1, 2, 3, 32, 32)
        with torch.no_grad():
            assert torch.equal(loaded(clip), network(clip))
        assert not loaded.training
        assert not any(parameter.requires_grad for parameter in loaded.parameters())


class Runs:
    """Unpickles into a call of any function, as a hostile file would."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class TestHostile:
    @pytest.fixture
    def witness(self, tmp_path):
        return tmp_path / "the code ran"

    @pytest.fixture(params=["os.system", "builtins.eval", "builtins.exec", "os.mkdir"])
    def payload(self, request, witness):
        make = f"open({str(witness)!r}, 'w').close()"
        return {
            "os.system": Runs(os.system, f"touch '{witness}'"),
            "builtins.eval": Runs(builtins.eval, make),
            "builtins.exec": Runs(builtins.exec, make),
            "os.mkdir": Runs(os.mkdir, str(witness)),
        }[request.param]

    @pytest.mark.parametrize("zipped", [True, False])
    def test_code_beside_the_weights_does_not_run(self, weights, payload, witness, tmp_path, zipped):
        path = tmp_path / "hostile.pth"
        torch.save({"model": weights, "config": payload}, path, _use_new_zipfile_serialization=zipped)
        assert same(load_checkpoint(path).weights, weights)
        assert not witness.exists()

    def test_code_among_the_weights_does_not_run(self, weights, payload, witness, refused):
        assert "'aaa' is no tensor" in refused({"model": {"aaa": payload, **weights}})
        assert not witness.exists()

    def test_code_in_place_of_the_weights_does_not_run(self, payload, witness, refused):
        assert "holds a pickled object, not a state dict" in refused(payload)
        assert not witness.exists()

    def test_the_payload_would_run_in_a_plain_load(self, payload, witness, tmp_path):
        torch.save({"config": payload}, tmp_path / "hostile.pth")
        torch.load(tmp_path / "hostile.pth", weights_only=False)
        assert witness.exists()

    def test_a_torchscript_program_does_not_run(self, witness, tmp_path, refused):
        path = tmp_path / "program.pth"
        _writes_a_file_when_loaded(str(witness)).save(str(path))
        assert "is a TorchScript program" in refused(path=path)
        assert not witness.exists()


def _writes_a_file_when_loaded(file: str):
    class Program(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.file = file

        def forward(self, x):
            return x

        @torch.jit.export
        def __getstate__(self):
            return (self.file, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[str, bool]):
            self.file = state[0]
            self.training = state[1]
            torch.save(torch.zeros(1), self.file)

    with warnings.catch_warnings():
        # TorchScript is deprecated; its files are still about.
        warnings.simplefilter("ignore")
        return torch.jit.script(Program())


class TestWrongKeys:
    def test_the_first_missing_key_is_named(self, weights, refused):
        del weights["layers.2.blocks.1.mlp.fc1.bias"]
        del weights["layers.2.blocks.0.modulation.h.bias"]
        said = refused(weights)
        assert said == "'layers.2.blocks.0.modulation.h.bias' is missing (2 keys missing, 0 extra)"

    def test_the_first_extra_key_is_named(self, weights, refused):
        weights["ema.decay"] = torch.ones(1)
        assert refused(weights) == "'ema.decay' is not part of the network (0 keys missing, 1 extra)"

    def test_a_block_without_its_predecessor_is_a_missing_key(self, weights, refused):
        moved = {key.replace("layers.2.blocks.1.", "layers.2.blocks.2."): v for key, v in weights.items()}
        assert "'layers.2.blocks.1.norm1.weight' is missing" in refused(moved)

    @pytest.mark.parametrize("key", ["patch_embed.proj.weight", "head.weight"])
    def test_a_key_that_fixes_the_architecture(self, weights, refused, key):
        del weights[key]
        assert f"not a Video-FocalNet checkpoint: key '{key}' is missing" in refused(weights)

    def test_a_whole_stage(self, weights, refused):
        kept = {key: value for key, value in weights.items() if not key.startswith("layers.3.")}
        assert "no 'layers.3.blocks.*' keys" in refused(kept)

    def test_a_misshapen_tensor_is_named_with_both_shapes(self, weights, refused):
        weights["layers.1.blocks.0.modulation.f.weight"] = torch.zeros(34, 16)
        assert refused(weights) == (
            "'layers.1.blocks.0.modulation.f.weight' has shape [34, 16], expected [35, 16]"
        )

    def test_a_head_of_another_network_is_not_replaced(self, weights, refused):
        weights["head.weight"] = torch.zeros(400, 64)
        assert refused(weights) == "'head.bias' has shape [5], expected [400]"

    def test_a_head_of_another_rank(self, weights, refused):
        weights["head.weight"] = torch.zeros(5)
        assert refused(weights) == "'head.weight' has shape [5], expected 2 dimensions"

    def test_another_networks_checkpoint(self, refused):
        assert "key 'patch_embed.proj.weight' is missing" in refused(torch.nn.Linear(2, 2).state_dict())

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_weights_that_are_no_numbers(self, weights, refused, value):
        weights["norm.bias"][3] = value
        assert refused(weights).startswith("'norm.bias' holds NaN, infinite or non-float values")

    @pytest.mark.parametrize("numbers", [(0, 64, 73), (8, 60, 73), (8, 0, 73), (8, 64, 63)])
    def test_a_clip_that_no_network_takes(self, weights, refused, numbers):
        config = dict(zip(("frames", "size", "short_side"), numbers, strict=True))
        assert "impossible clip" in refused({"model": weights, "config": config})

    def test_integer_weights(self, weights, refused):
        weights["norm.bias"] = weights["norm.bias"].long()
        assert refused(weights).startswith("'norm.bias' holds NaN, infinite or non-float values")


class TestWrongFile:
    def test_missing(self, tmp_path, refused):
        assert refused(path=tmp_path / "none.pth") == "no such file"

    def test_a_folder(self, tmp_path, refused):
        assert "is a folder; give the checkpoint file itself" in refused(path=tmp_path)

    def test_empty(self, tmp_path, refused):
        path = tmp_path / "empty.pth"
        path.touch()
        assert "is empty; download or copy the checkpoint again" in refused(path=path)

    @pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
    def test_truncated(self, weights, tmp_path, refused, share):
        path = tmp_path / "whole.pth"
        torch.save(weights, path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        assert refused(path=path).startswith("truncated (")

    @pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
    def test_truncated_in_the_old_format(self, weights, tmp_path, refused, share):
        path = tmp_path / "whole.pth"
        torch.save(weights, path, _use_new_zipfile_serialization=False)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        assert refused(path=path).startswith("not a PyTorch checkpoint (")

    def test_a_text_file(self, tmp_path, refused):
        path = tmp_path / "labels.txt"
        path.write_text("static\npan left\n" * 50)
        assert refused(path=path).startswith("not a PyTorch checkpoint (")

    def test_a_video(self, clip_file, refused):
        assert refused(path=clip_file).startswith("not a PyTorch checkpoint (")

    def test_a_zip_file_of_something_else(self, tmp_path, refused):
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "nothing")
        assert refused(path=path).startswith("not a PyTorch checkpoint (")

    @pytest.mark.parametrize(
        ("content", "kind"),
        [([1, 2], "list"), (3, "int"), ({}, "dict"), (torch.zeros(2), "Tensor"), ({"model": {}}, "dict")],
    )
    def test_content_of_another_kind_is_named(self, refused, content, kind):
        assert refused(content) == f"holds a {kind}, not a state dict or {{'model': state dict}}"

    def test_the_state_of_a_training_run_is_told_from_its_network(self, weights, refused):
        state = {"schema": 1, "job": {}, "network": weights, "optimizer": {}}
        assert "is the state of a training run; give best.pth beside it" in refused(state)

    def test_a_whole_pickled_network(self, network, refused):
        assert refused(network).startswith("holds a pickled object, not a state dict")

    def test_a_dict_of_other_things(self, refused):
        assert "entry 'epoch' is no tensor" in refused({"epoch": 3})
        assert "entry 0 is no tensor" in refused({0: torch.zeros(1)})
