"""Reading packages, refusing what is unknown, rounding as declared, and noticing planted faults."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder
from coremltools.proto import Model_pb2
from mil_programs import program_of
from operator_cases import normal

from dvfl.errors import ArtifactError, EngineError, UnsupportedOperatorError
from dvfl_converter.targets.coreml.interpreter import Precision, evaluate, read_package
from dvfl_converter.targets.coreml.interpreter.observers import first_difference, largest_magnitudes

mb = Builder
X = normal(1, 4, 6, 6)


def network(x: Any) -> Any:
    """fp16: a convolution, its mean over an axis, a square matrix; its weights are in the weight file."""
    half = mb.cast(x=x, dtype="fp16")
    spread = mb.conv(x=half, weight=normal(4, 4, 3, 3).astype(np.float16), name="spread")
    mean = mb.reduce_mean(x=spread, axes=[3], keep_dims=False, name="mean")
    mixed = mb.matmul(x=mean, y=normal(4, 4).astype(np.float16), name="mixed")
    loud = mb.mul(x=mixed, y=np.float16(8), name="loud")
    return mb.cast(x=loud, dtype="fp32", name="result")


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.mlpackage"
    shutil.copytree(program_of(network, {"x": X}).path, path)
    return path


def edited(good: Path, folder: Path, edit: Callable[[Any], None]) -> Path:
    """A copy of the package whose program ``edit`` has changed; it gets the block."""
    path = shutil.copytree(good, folder / "edited.mlpackage")
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    model = Model_pb2.Model.FromString(file.read_bytes())
    function = model.mlProgram.functions["main"]
    edit(function.block_specializations[function.opset])
    file.write_bytes(model.SerializeToString())
    return path


def weights_of(package: Path) -> Path:
    return package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"


def operation(block: Any, name: str) -> Any:
    (found,) = [one for one in block.operations if one.outputs[0].name == name]
    return found


def constant(block: Any, name: str, argument: str) -> Any:
    """The value of an operation's constant argument."""
    reference = operation(block, name).inputs[argument].arguments[0].name
    return operation(block, reference).attributes["val"]


def first_fault(good: Path, bad: Path):
    return first_difference(read_package(good), read_package(bad), {"x": X}, tolerance=1e-3)


class TestPlantedFaults:
    def test_a_sound_copy_has_none(self, good, tmp_path):
        assert first_fault(good, edited(good, tmp_path, lambda block: None)) is None

    def test_a_transposed_weight_is_found_at_the_weight(self, good, tmp_path):
        bad = shutil.copytree(good, tmp_path / "bad.mlpackage")
        weight = normal(4, 4).astype(np.float16)
        data = weights_of(bad).read_bytes()
        assert data.count(weight.tobytes()) <= 1
        if weight.tobytes() in data:
            weights_of(bad).write_bytes(data.replace(weight.tobytes(), weight.T.tobytes()))
        else:

            def transpose(block: Any) -> None:
                constant(block, "mixed", "y").immediateValue.tensor.bytes.values = weight.T.tobytes()

            bad = edited(good, tmp_path, transpose)
        fault = first_fault(good, bad)
        assert fault is not None
        assert fault.kind == "const"

    def test_a_wrong_axis_is_found_at_its_operation(self, good, tmp_path):
        def other_axis(block: Any) -> None:
            constant(block, "mean", "axes").immediateValue.tensor.ints.values[:] = [2]

        bad = edited(good, tmp_path, other_axis)
        names: list[str] = []
        reference: dict[str, np.ndarray] = {}
        evaluate(read_package(good), {"x": X}, observe=lambda v: reference.update({v.name: v.array}))

        def note(value):
            if not value.constant and not np.array_equal(value.array, reference[value.name]):
                names.append(value.name)

        evaluate(read_package(bad), {"x": X}, observe=note)
        assert names[0] == "mean"

    def test_an_axis_that_contradicts_the_declared_shape_is_refused(self, good, tmp_path):
        def first_axis(block: Any) -> None:
            constant(block, "mean", "axes").immediateValue.tensor.ints.values[:] = [0]

        bad = read_package(edited(good, tmp_path, first_axis))
        with pytest.raises(ArtifactError, match=r"reduce_mean 'mean': .* declares fp16\[1, 4, 4\]"):
            evaluate(bad, {"x": X})

    def test_an_overflow_is_found_where_it_begins(self, good, tmp_path):
        def louder(block: Any) -> None:
            value = constant(block, "loud", "y").immediateValue.tensor.bytes
            value.values = np.float16(65504).tobytes()

        bad = read_package(edited(good, tmp_path, louder))
        assert np.isinf(evaluate(bad, {"x": X})["result"]).any()
        loudest = max(largest_magnitudes(bad, {"x": X}), key=lambda value: value.largest)
        assert loudest.name == "loud"
        assert 1 < loudest.of_range < np.inf
        fault = first_difference(read_package(good), bad, {"x": X}, tolerance=1e-3)
        assert fault is not None
        assert fault.name == operation_argument(bad, "loud", "y")


def operation_argument(program, name: str, argument: str) -> str:
    (found,) = [one for one in program.main().operations if one.name == name]
    return found.arguments[argument][0].name


class TestRounding:
    def test_values_are_held_in_their_declared_types(self, good):
        program = read_package(good)
        types = {one.name: one.type.dtype.held for one in program.declared()}
        seen = {}
        evaluate(program, {"x": X}, observe=lambda value: seen.update({value.name: value.array.dtype}))
        numeric = {name: dtype for name, dtype in seen.items() if dtype.kind != "U"}
        assert numeric == {name: types[name] for name in numeric}
        assert np.dtype(np.float16) in numeric.values()

    def test_float32_separates_the_graph_from_rounding(self, good):
        program = read_package(good)
        exact = evaluate(program, {"x": X}, precision=Precision.FLOAT32)["result"]
        rounded = evaluate(program, {"x": X})["result"]
        assert not np.array_equal(exact, rounded)
        np.testing.assert_allclose(rounded, exact, rtol=0.02, atol=0.02)
        np.testing.assert_array_equal(rounded, rounded.astype(np.float16))

    def test_a_sum_is_float32_inside_one_operation(self):
        """Two terms beyond fp16's range that cancel: the sum is small, and is not infinite on the way."""
        x = np.array([60000, 60000, -60000, -60000], np.float32)
        program = program_of(
            lambda x: mb.cast(x=mb.reduce_sum(x=mb.cast(x=x, dtype="fp16"), axes=[0]), dtype="fp32"), {"x": x}
        )
        assert next(iter(evaluate(program, {"x": x}).values())) == 0

    def test_what_exceeds_fp16_is_infinite(self):
        x = np.array([-300.0, 2.0], np.float32)
        program = program_of(
            lambda x: mb.cast(x=mb.square(x=mb.cast(x=x, dtype="fp16")), dtype="fp32"), {"x": x}
        )
        (declared,) = evaluate(program, {"x": x}).values()
        (exact,) = evaluate(program, {"x": x}, precision=Precision.FLOAT32).values()
        np.testing.assert_array_equal(declared, [np.inf, 4])
        np.testing.assert_array_equal(exact, [90000, 4])


class TestDamage:
    def test_a_truncated_weight_file_is_one_line(self, good, tmp_path):
        bad = shutil.copytree(good, tmp_path / "bad.mlpackage")
        weights_of(bad).write_bytes(weights_of(bad).read_bytes()[:160])
        with pytest.raises(
            ArtifactError, match=r"weight\.bin: no fp16 value of .* the file is damaged"
        ) as error:
            read_package(bad)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("offset", [0, 65, 1 << 40])
    def test_a_wrong_offset_is_one_line(self, good, tmp_path, offset):
        def elsewhere(block: Any) -> None:
            constant(block, "spread", "weight").blobFileValue.offset = offset

        bad = edited(good, tmp_path, elsewhere)
        with pytest.raises(ArtifactError, match=rf"at offset {offset}: .*damaged"):
            read_package(bad)

    def test_another_shape_than_the_files_is_one_line(self, good, tmp_path):
        def wider(block: Any) -> None:
            value = constant(block, "spread", "weight")
            value.type.tensorType.dimensions[0].constant.size = 5

        bad = edited(good, tmp_path, wider)
        with pytest.raises(ArtifactError, match=r"has 144 elements .*its type is fp16\[5, 4, 3, 3\]"):
            read_package(bad)

    def test_a_missing_weight_file_is_one_line(self, good, tmp_path):
        bad = shutil.copytree(good, tmp_path / "bad.mlpackage")
        weights_of(bad).unlink()
        with pytest.raises(ArtifactError, match=r"weight\.bin: missing"):
            read_package(bad)

    @pytest.mark.parametrize("name", ["@model_path/../../../secret.bin", "/etc/hostname"])
    def test_a_weight_file_outside_the_package_is_refused(self, good, tmp_path, name):
        def outside(block: Any) -> None:
            constant(block, "spread", "weight").blobFileValue.fileName = name

        with pytest.raises(ArtifactError, match="outside the package"):
            read_package(edited(good, tmp_path, outside))

    def test_a_damaged_program_is_one_line(self, good, tmp_path):
        bad = shutil.copytree(good, tmp_path / "bad.mlpackage")
        file = bad / "Data" / "com.apple.CoreML" / "model.mlmodel"
        file.write_bytes(file.read_bytes()[:-7])
        with pytest.raises(ArtifactError, match=r"model\.mlmodel: not a Core ML model"):
            read_package(bad)

    def test_a_folder_that_is_no_package_is_one_line(self, tmp_path):
        with pytest.raises(ArtifactError, match=r"Manifest\.json is missing"):
            read_package(tmp_path)

    def test_a_value_that_nothing_computes_is_named(self, good, tmp_path):
        def dangling(block: Any) -> None:
            operation(block, "loud").inputs["x"].arguments[0].name = "nobody"

        with pytest.raises(ArtifactError, match="mul 'loud' uses 'nobody'"):
            read_package(edited(good, tmp_path, dangling))


class TestRefusals:
    def test_an_unknown_operator_is_named_before_anything_runs(self, good, tmp_path):
        def unknown(block: Any) -> None:
            operation(block, "loud").type = "mull"

        program = read_package(edited(good, tmp_path, unknown))
        seen = []
        with pytest.raises(
            UnsupportedOperatorError, match="'loud': unknown operator 'mull'; did you mean 'mul'"
        ):
            evaluate(program, {"x": X}, observe=seen.append)
        assert seen == []

    def test_an_unknown_argument_is_named(self, good, tmp_path):
        def extra(block: Any) -> None:
            product = operation(block, "loud")
            product.inputs["alpha"].CopyFrom(product.inputs["y"])

        program = read_package(edited(good, tmp_path, extra))
        with pytest.raises(UnsupportedOperatorError, match="mul 'loud': arguments alpha, x, y"):
            evaluate(program, {"x": X})

    def test_an_unknown_mode_is_named(self, tmp_path):
        program = program_of(lambda x: mb.gelu(x=x, mode="EXACT", name="bent"), {"x": X})

        def mode(block: Any) -> None:
            constant(block, "bent", "mode").immediateValue.tensor.strings.values[:] = ["QUADRATIC"]

        with pytest.raises(
            UnsupportedOperatorError, match="gelu 'bent': mode 'QUADRATIC' is unknown; known: EXACT"
        ):
            evaluate(read_package(edited(program.path, tmp_path, mode)), {"x": X})

    def test_an_unknown_operator_set_is_named(self, good, tmp_path):
        path = shutil.copytree(good, tmp_path / "new.mlpackage")
        file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
        model = Model_pb2.Model.FromString(file.read_bytes())
        model.mlProgram.functions["main"].opset = "CoreML99"
        file.write_bytes(model.SerializeToString())
        with pytest.raises(UnsupportedOperatorError, match="operator set 'CoreML99' is unknown"):
            read_package(path)

    def test_what_is_not_documented_is_not_guessed(self):
        whole = np.array([1, 2], np.int32)
        program = program_of(lambda x: mb.gather(x=x, indices=[-1], axis=0, name="last"), {"x": whole})
        with pytest.raises(UnsupportedOperatorError, match=r"gather 'last': indices outside 0\.\.1"):
            evaluate(program, {"x": whole})

    @pytest.mark.parametrize("inputs", [{}, {"y": X}, {"x": X, "y": X}, {"x": X[:, :2]}])
    def test_other_inputs_are_refused(self, good, inputs):
        with pytest.raises(EngineError, match=r"given (was|were)"):
            evaluate(read_package(good), inputs)
