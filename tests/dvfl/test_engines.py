"""The engines on their real runtimes, and how they refuse."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import tiny_bundle as tiny
from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, open_engine, select_engine
from dvfl.engines.base import checked_logits, to_input
from dvfl.engines.native_log import captured_log
from dvfl.errors import BundleError, ClosedError, EngineError
from dvfl.hashing import sha256_path
from dvfl.manifest import InputContract

RUNNABLE = ("litert", "executorch", "torch")


@pytest.fixture(scope="module")
def bundle(tiny_bundle) -> Bundle:
    return Bundle.open(tiny_bundle)


@pytest.fixture
def reference(bundle) -> np.ndarray:
    return np.array(bundle.manifest.reference_vectors[0].logits)


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def with_artifact(bundle: Bundle, target: str, **changes) -> Bundle:
    """The bundle with one artifact's entry changed."""
    artifacts = tuple(
        artifact.model_copy(update=changes) if artifact.target == target else artifact
        for artifact in bundle.manifest.artifacts
    )
    return Bundle(bundle.root, bundle.manifest.model_copy(update={"artifacts": artifacts}))


@pytest.mark.parametrize("name", RUNNABLE)
def test_says_what_the_reference_says(bundle, reference, name):
    engine = open_engine(bundle, name)
    logits = engine.run(bundle.reference_clip(bundle.manifest.reference_vectors[0]))
    engine.close()
    assert logits.dtype == np.float32
    assert logits.shape == (len(tiny.LABELS),)
    assert np.abs(logits - reference).max() <= 1e-4 * np.ptp(reference)


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_wrong_clip_does_not_pass_for_the_right_one(bundle, reference, name):
    clip = tiny.random_clip()
    engine = open_engine(bundle, name)
    for wrong in (clip[::-1], clip[..., ::-1], clip.swapaxes(1, 2)):
        assert np.abs(engine.run(wrong) - reference).max() > 1e-3 * np.ptp(reference)
    engine.close()


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_result_is_not_changed_by_the_next_run(bundle, name):
    engine = open_engine(bundle, name)
    first = engine.run(tiny.random_clip(1))
    kept = first.copy()
    engine.run(tiny.random_clip(2))
    engine.close()
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("name", RUNNABLE)
def test_close_twice_then_run(bundle, name):
    engine = open_engine(bundle, name)
    engine.close()
    engine.close()
    with pytest.raises(ClosedError):
        engine.run(tiny.random_clip())


@pytest.mark.parametrize("name", RUNNABLE)
@pytest.mark.parametrize("shape", [(7, 64, 64, 3), (8, 64, 32, 3), (8, 3, 64, 64), (64, 64, 3)])
def test_a_clip_of_another_shape(bundle, name, shape):
    engine = open_engine(bundle, name)
    with pytest.raises(EngineError) as error:
        engine.run(np.zeros(shape, np.uint8))
    engine.close()
    assert "does not fit the model's input" in one_line(error)


@pytest.mark.parametrize("name", ["litert", "executorch"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 4096])
def test_an_artifact_that_is_no_model(bundle_copy, name, content):
    bundle = Bundle.open(bundle_copy)
    path = bundle_copy / bundle.artifact(name).file
    path.write_bytes(content)
    damaged = with_artifact(bundle, name, sha256=sha256_path(path))
    with pytest.raises(EngineError) as error:
        open_engine(damaged, name)
    assert "cannot load it" in one_line(error)


def test_a_failed_load_names_the_oldest_runtimes_that_are_right(bundle_copy):
    bundle = Bundle.open(bundle_copy)
    path = bundle_copy / bundle.artifact("litert").file
    path.write_bytes(b"not a model")
    options = {"min_runtime": "ai-edge-litert 1.0.1, tensorflow 2.17.1"}
    damaged = with_artifact(bundle, "litert", sha256=sha256_path(path), options=options)
    with pytest.raises(EngineError) as error:
        open_engine(damaged, "litert")
    oldest = "the artifact is right from ai-edge-litert 1.0.1, tensorflow 2.17.1 on"
    assert one_line(error).endswith(f"({oldest})")


@pytest.mark.parametrize("name", ["litert", "executorch"])
@pytest.mark.parametrize("change", [{"shape": (4, 64, 64, 3)}, {"dtype": "uint8"}])
def test_an_input_that_is_not_what_the_manifest_says(bundle, name, change):
    contract = bundle.artifact(name).input.model_copy(update=change)
    with pytest.raises(EngineError) as error:
        open_engine(with_artifact(bundle, name, input=contract), name)
    assert "the manifest says" in one_line(error)


def test_every_artifact_is_hashed_before_it_is_loaded(bundle):
    for name in ("litert", "executorch"):
        with pytest.raises(BundleError, match="was changed after conversion"):
            open_engine(with_artifact(bundle, name, sha256="0" * 64), name)


def test_open_by_artifact(bundle):
    open_engine(bundle, bundle.artifact("litert")).close()


@pytest.mark.parametrize("threads", [1, 2, None])
@pytest.mark.parametrize("name", ["litert", "executorch"])
def test_threads_do_not_change_the_answer(bundle, reference, name, threads):
    engine = open_engine(bundle, name, threads=threads)
    logits = engine.run(tiny.random_clip())
    engine.close()
    assert np.abs(logits - reference).max() <= 1e-4 * np.ptp(reference)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_must_be_positive(bundle, threads):
    with pytest.raises(EngineError, match="threads must be at least 1"):
        open_engine(bundle, "litert", threads=threads)


def test_executorch_keeps_the_thread_pool_of_an_open_engine(bundle):
    first = open_engine(bundle, "executorch", threads=2)
    open_engine(bundle, "executorch", threads=2).close()
    with pytest.raises(EngineError) as error:
        open_engine(bundle, "executorch", threads=1)
    assert "one thread pool per process, now of 2 threads" in one_line(error)
    first.run(tiny.random_clip())
    first.close()
    open_engine(bundle, "executorch", threads=1).close()


def test_a_failed_load_does_not_hold_the_thread_pool(bundle_copy, bundle):
    path = bundle_copy / tiny.EXECUTORCH_FILE
    path.write_bytes(b"no model")
    damaged = with_artifact(Bundle.open(bundle_copy), "executorch", sha256=sha256_path(path))
    with pytest.raises(EngineError, match="cannot load it"):
        open_engine(damaged, "executorch", threads=1)
    open_engine(bundle, "executorch", threads=2).close()
    open_engine(bundle, "executorch", threads=1).close()


def test_executorch_engines_in_many_threads(bundle, reference):
    errors = []

    def work(seed: int) -> None:
        try:
            engine = open_engine(bundle, "executorch")
            for _ in range(5):
                logits = engine.run(tiny.random_clip())
                assert np.abs(logits - reference).max() <= 1e-4 * np.ptp(reference)
            engine.close()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []


def test_unknown_engine(bundle):
    with pytest.raises(EngineError) as error:
        open_engine(bundle, "litrt")
    assert one_line(error) == (
        "unknown engine 'litrt'; did you mean 'litert'? choices: litert, executorch, coreml, torch"
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML runs here")
def test_core_ml_off_macos(bundle):
    with pytest.raises(EngineError) as error:
        open_engine(bundle, "coreml")
    assert one_line(error) == "engine 'coreml' runs only on macOS; choose another engine"


def test_core_ml_engine_reads_the_output_that_the_manifest_names(bundle):
    # Only macOS can load a model; the rest of the engine is plain Python.
    coreml = importlib.import_module("dvfl.engines.coreml")

    class Model:
        def predict(self, inputs):
            ((name, tensor),) = inputs.items()
            assert (name, tensor.dtype, tensor.shape) == ("clip", np.float32, (8, 3, 64, 64))
            return {"logits": np.arange(5, dtype=np.float16)[None]}

    engine = coreml.CoreMlEngine(Model(), bundle.artifact("coreml"), 5)
    assert engine.run(tiny.random_clip()).tolist() == [0, 1, 2, 3, 4]
    engine.close()
    with pytest.raises(ClosedError):
        engine.run(tiny.random_clip())


def test_torch_has_one_precision(bundle):
    with pytest.raises(EngineError, match="runs the fp32 reference only, not int8"):
        open_engine(bundle, "torch", "int8")


def test_a_bundle_without_a_reference(bundle):
    bare = Bundle(bundle.root, bundle.manifest.model_copy(update={"reference": None}))
    with pytest.raises(BundleError, match="holds no reference checkpoint"):
        open_engine(bare, "torch")


def test_default_is_the_first_that_the_bundle_holds(bundle):
    def held(*names: str) -> Bundle:
        kept = tuple(a for a in bundle.manifest.artifacts if a.target in names)
        return Bundle(bundle.root, bundle.manifest.model_copy(update={"artifacts": kept}))

    assert select_engine(bundle).engine == "litert"
    assert select_engine(held("executorch", "coreml")).engine == "executorch"
    assert select_engine(held("coreml")).engine == ("coreml" if sys.platform == "darwin" else "torch")


def test_default_avoids_an_artifact_that_failed_its_gate(bundle):
    parity = bundle.artifact("litert").parity.model_copy(update={"status": "failed"})
    assert select_engine(with_artifact(bundle, "litert", parity=parity)).engine == "executorch"


def test_no_engine_for_a_precision(bundle):
    with pytest.raises(BundleError, match="this bundle holds: litert-fp32"):
        select_engine(bundle, precision="int8")


@pytest.mark.parametrize("row", ENGINES.values(), ids=lambda row: row.name)
def test_every_loader_is_there(row):
    module, _, function = row.loader.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)
sys.meta_path.insert(0, Block())
from dvfl.engines import open_engine, select_engine
from dvfl.bundle import Bundle
from dvfl.errors import EngineError
bundle = Bundle.open({folder!r})
try:
    print(select_engine(bundle).engine if {engine!r} is None else open_engine(bundle, {engine!r}))
except EngineError as error:
    print(error)
assert "torch" not in sys.modules
"""


def without(packages, folder, engine) -> str:
    code = BLOCKED.format(names=packages, folder=str(folder), engine=engine)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("engine", "package"), [("litert", "ai_edge_litert"), ("executorch", "executorch"), ("torch", "torch")]
)
def test_an_engine_that_is_not_installed_names_its_extra(tiny_bundle, engine, package):
    said = without([package], tiny_bundle, engine)
    assert said == f"engine '{engine}' is not installed; pip install 'dvfl[{engine}]'"


def test_default_passes_over_what_is_not_installed(tiny_bundle):
    assert without(["ai_edge_litert"], tiny_bundle, None) == "executorch"


def test_nothing_installed_at_all(tiny_bundle):
    said = without(["ai_edge_litert", "executorch", "torch", "coremltools"], tiny_bundle, None)
    assert said.startswith(
        "engine 'litert' is not installed; pip install 'dvfl[litert]'; engine 'executorch'"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers(value):
    with pytest.raises(EngineError) as error:
        checked_logits(np.array([0, value, 1], np.float32), 3, "LiteRT")
    assert "LiteRT returned NaN or infinite logits" in one_line(error)


def test_logits_of_another_number():
    with pytest.raises(EngineError, match="returned 3 logits for 5 labels"):
        checked_logits(np.zeros((1, 3), np.float32), 5, "LiteRT")


@pytest.mark.parametrize(
    ("layout", "shape", "moved"),
    [("THWC", (8, 64, 64, 3), (0, 1, 2, 3)), ("TCHW", (8, 3, 64, 64), (0, 3, 1, 2))],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_input_is_laid_out_as_the_contract_says(layout, shape, moved, dtype):
    clip = tiny.random_clip()
    tensor = to_input(clip, InputContract(name="x", dtype=dtype, layout=layout, shape=shape))
    assert tensor.flags.c_contiguous
    assert tensor.dtype == dtype
    assert np.array_equal(tensor, clip.transpose(moved))


def test_native_log_prints_all_but_the_noise(capfd):
    with captured_log(r"^INFO: "):
        os.write(2, b"INFO: chatter\nnews\n")
    assert capfd.readouterr().err == "news\n"


def test_native_log_explains_a_failure_instead_of_printing(capfd):
    def fail() -> None:
        with captured_log(r"^INFO: ") as log:
            os.write(2, b"the cause\nINFO: x\n")
            raise RuntimeError(log.explain(RuntimeError("it\nfailed")))

    with pytest.raises(RuntimeError, match=r"^it failed \(the cause\)$"):
        fail()
    assert capfd.readouterr().err == ""
