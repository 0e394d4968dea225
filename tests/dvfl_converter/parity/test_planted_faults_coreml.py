"""Faults planted in a Core ML package: the interpreter's verdict catches each, and names where it is."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import small_models as small
from coremltools.proto import Model_pb2

from dvfl.errors import ArtifactError, EngineError
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.parity.localize import localize
from dvfl_converter.targets.coreml.interpreted import open_artifact
from dvfl_converter.verification import reference_vectors, verify

DATA = "Data/com.apple.CoreML"


@pytest.fixture(scope="module")
def weights(sources):
    return load_checkpoint(sources / "student.pth").weights


@pytest.fixture
def plant(converted, tmp_path):
    """Changes a copy of the Core ML artifact's program or weights; returns it as a bundle of one artifact."""

    def write(program=None, blobs=None):
        artifact = converted.artifact("coreml")
        package = tmp_path / artifact.file
        package.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(converted.resolve(artifact), package)
        if program is not None:
            file = package / DATA / "model.mlmodel"
            model = Model_pb2.Model.FromString(file.read_bytes())
            program(model.mlProgram.functions["main"])
            file.write_bytes(model.SerializeToString())
        if blobs is not None:
            file = package / DATA / "weights/weight.bin"
            file.write_bytes(blobs(file.read_bytes()))
        return small.with_artifact(converted, artifact, tmp_path)

    return write


def halves(data: bytes, old: np.ndarray, new: np.ndarray) -> bytes:
    """The weights with one fp16 constant replaced; it must be there exactly once."""
    wanted, other = (np.ascontiguousarray(value, np.float16).tobytes() for value in (old, new))
    assert wanted != other
    assert data.count(wanted) == 1
    return data.replace(wanted, other)


def operations(function):
    (block,) = function.block_specializations.values()
    return block.operations


def integers(function, operation, argument: str):
    """The integers of an argument, wherever the program keeps them; a list that can be written to."""
    (binding,) = operation.inputs[argument].arguments
    value = binding.value
    if binding.WhichOneof("binding") == "name":
        (constant,) = (other for other in operations(function) if other.outputs[0].name == binding.name)
        value = constant.attributes["val"]
    return value.immediateValue.tensor.ints.values


def verified(bundle):
    (result,) = verify(bundle, (), find_drift=True, quiet=True)
    assert result.intact
    assert not result.ok
    return result


def test_the_clean_package_passes(plant):
    (result,) = verify(plant(), (), find_drift=True, quiet=True)
    assert result.ok
    assert result.parity.status == "passed"
    assert "not by Core ML" in result.parity.reason


def test_a_clean_package_has_every_layer(plant, converted):
    bundle = plant()
    drift = localize(bundle, bundle.manifest.artifacts[0], reference_vectors(converted)[0])
    assert (drift.layer, drift.last_good) == (None, "head")


def test_a_transposed_weight_is_found_in_its_layer(plant, weights):
    layer = "layers.2.blocks.0.modulation.h_temporal"
    matrix = weights[f"{layer}.weight"].squeeze().numpy()
    result = verified(plant(blobs=lambda data: halves(data, matrix, matrix.T)))
    assert result.parity.status == "failed"
    assert result.drift.layer == layer


def test_a_wrong_axis_of_the_same_shape_is_found_in_its_layer(plant):
    """Rows for columns: frames are square, so that no shape tells."""

    def turn(function):
        for operation in operations(function):
            if operation.type == "transpose":
                perm = integers(function, operation, "perm")
                if sorted(perm) == [0, 1, 2, 3] and list(perm)[2:] == [2, 3]:
                    perm[2], perm[3] = 3, 2
                    return
        raise AssertionError("no such transposition")

    result = verified(plant(program=turn))
    assert result.parity.status == "failed"
    assert result.drift.layer.startswith("layers.0.blocks.0.modulation")


def test_a_wrong_axis_of_another_shape_is_named(plant):
    def turn(function):
        means = [operation for operation in operations(function) if operation.type == "reduce_mean"]
        integers(function, means[-1], "axes")[0] = 1

    bundle = plant(program=turn)
    engine = open_artifact(bundle, bundle.manifest.artifacts[0])
    with pytest.raises(ArtifactError, match=r"(reduce_mean|reshape|mul|gelu|add) '.*; convert again"):
        engine.run(reference_vectors(bundle)[0].pixels)


def test_an_overflow_of_fp16_is_named_with_its_operator(plant, weights):
    layer = "layers.1.blocks.0.modulation.h_temporal"
    matrix = weights[f"{layer}.weight"].numpy()
    bundle = plant(blobs=lambda data: halves(data, matrix, np.full_like(matrix, 6e4)))
    engine = open_artifact(bundle, bundle.manifest.artifacts[0])
    with pytest.raises(
        EngineError, match=r"overflows fp16: conv '.*' reaches [\d,]+, and fp16 ends at 65,504"
    ):
        engine.run(reference_vectors(bundle)[0].pixels)
    result = verified(bundle)
    assert "overflows fp16" in result.error
    assert result.drift.layer == layer
