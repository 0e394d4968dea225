"""Makes and runs the artifacts of one network; what several of them need is made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from dvfl.bundle import Bundle
from dvfl.engines import Engine, open_engine
from dvfl.manifest import Artifact, InputContract, OutputContract, Precision
from dvfl.model import VideoFocalNet
from dvfl_converter.bench.timing import interleaved
from dvfl_converter.bundle_writer import stored
from dvfl_converter.clips import NamedClip
from dvfl_converter.inputs import Inputs
from dvfl_converter.parity.gates import GATES, not_run
from dvfl_converter.plan import Conversion
from dvfl_converter.program import Program
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.report.evidence import Latency
from dvfl_converter.rewriting import spared_rewriting
from dvfl_converter.runtimes.requirement import recorded
from dvfl_converter.targets.base import Exporter, Target
from dvfl_converter.targets.registry import TARGETS, load_backend, load_stand_in

THREADS = min(4, os.cpu_count() or 1)
TIMED_RUNS = 10
MOST_RUNS = 200
TIMED_MS = 1000.0
_SCRATCH = "scratch"


class Workshop:
    """One conversion's network on its way to artifacts.

    Programs and exporters are kept per target, because lowering and export cost more than quantisation.

    Args:
        network: the reference.
        inputs: of the request.
        bundle: unfinished; artifacts are written below its root.
    """

    def __init__(self, network: VideoFocalNet, inputs: Inputs, bundle: Bundle) -> None:
        self._network = network
        self._inputs = inputs
        self.bundle = bundle
        self._programs: dict[tuple[str, Precision], Program] = {}
        self._exporters: dict[tuple[str, Precision], Exporter] = {}
        self._fp32: dict[str, Artifact] = {}

    def program(self, target: Target, precision: Precision) -> Program:
        """The network in the target's form."""
        key = _key(target, precision)
        if key not in self._programs:
            self._programs[key] = load_backend(target).lowered(self._network, self._inputs.spec, key[1])
        return self._programs[key]

    def make(
        self, conversion: Conversion, plan: QuantizationPlan | None = None, file: str | None = None
    ) -> Artifact:
        """Writes an artifact below the bundle's root; nothing is said of its parity yet.

        Args:
            conversion: target, precision and options.
            plan: for int8, where the target needs one.
            file: instead of the conversion's own.

        Raises:
            ConversionError: the target's converter refuses it.
        """
        target, precision = conversion.target, conversion.config.precision
        file = file or conversion.file
        path = self.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        program = self.program(target, precision)
        with spared_rewriting():
            converted = self._exporter(target, precision).write(conversion.config, path, plan)
        spec, layout = self._inputs.spec, program.layout or "THWC"
        lengths = {"T": spec.temporal.frames, "H": spec.crop.size, "W": spec.crop.size, "C": 3}
        artifact = Artifact(
            **stored(self.bundle.root, file).model_dump(),
            target=target.name,
            precision=precision,
            input=InputContract(
                name=converted.input_name,
                dtype="float32",
                layout=layout,
                shape=(lengths[layout[0]], lengths[layout[1]], lengths[layout[2]], lengths[layout[3]]),
            ),
            output=OutputContract(
                name=converted.output_name, dtype="float32", shape=(1, len(self._inputs.labels))
            ),
            options=conversion.config.options()
            | self._inputs.recorded
            | recorded(target.name, precision, plan),
            operators=converted.operators,
            parity=not_run(GATES[precision], target.not_run_reason),
            tools=converted.tools,
        )
        if precision == "fp32":
            self._fp32[target.name] = artifact
        return artifact

    def fp32(self, target: Target) -> Artifact:
        """The target's fp32 artifact, with which an int8 one is compared; made aside if not yet made."""
        if target.name not in self._fp32:
            conversion = Conversion(target, target.config(precision="fp32"))
            self.make(conversion, file=self.aside(target))
        return self._fp32[target.name]

    def aside(self, target: Target, name: str = "fp32") -> str:
        """A file that :meth:`clear` removes."""
        return f"{_SCRATCH}/{name}{target.suffix}"

    def path(self, file: str) -> Path:
        """Where a file of the bundle is."""
        return self.bundle.root / file

    def clear(self) -> None:
        """Removes what was made aside."""
        shutil.rmtree(self.path(_SCRATCH), ignore_errors=True)

    @contextmanager
    def running(self, artifact: Artifact) -> Iterator[tuple[Engine, float]]:
        """The artifact in the SDK's engine or what stands in for it, and the milliseconds it took to load.

        Raises:
            EngineError: it does not load.
        """
        manifest = self.bundle.manifest.model_copy(update={"artifacts": (artifact,)})
        bundle = Bundle(self.bundle.root, manifest)
        target = TARGETS[artifact.target]
        stand_in = None if target.runs_here else load_stand_in(target)
        start = perf_counter()
        engine = stand_in(bundle, artifact) if stand_in else open_engine(bundle, artifact, threads=THREADS)
        try:
            yield engine, (perf_counter() - start) * 1e3
        finally:
            engine.close()

    def _exporter(self, target: Target, precision: Precision) -> Exporter:
        key = _key(target, precision)
        if key not in self._exporters:
            program = self.program(target, precision)
            self._exporters[key] = load_backend(target).exporter(program, self._inputs.calibration)
        return self._exporters[key]


def _key(target: Target, precision: Precision) -> tuple[str, Precision]:
    """Artifacts of equal keys come from one lowered network."""
    return target.name, "int8" if precision == "int8" and target.int8_lowered_apart else "fp32"


def latency(name: str, engine: Engine, clip: NamedClip, load_ms: float) -> Latency:
    """Time per clip of an engine that took ``load_ms`` to load."""
    timing = interleaved({name: lambda: engine.run(clip.pixels)}, TIMED_RUNS)[name]
    return Latency(name, timing.p50_ms, timing.p90_ms, load_ms, TIMED_RUNS, THREADS)


def time_ratio(base: Callable[[], object], candidate: Callable[[], object]) -> float:
    """Fastest run of the candidate over the fastest of the base; they take turns, to meet the same load.

    A burst of other work on the machine outlasts ten runs of a small network: they go on for a second.
    """
    calls = {"base": base, "candidate": candidate}
    tried = interleaved(calls, TIMED_RUNS)
    fastest = {name: timing.min_ms for name, timing in tried.items()}
    rounds = min(MOST_RUNS, int(TIMED_MS / sum(fastest.values())))
    if rounds > TIMED_RUNS:
        again = interleaved(calls, rounds - TIMED_RUNS)
        fastest = {name: min(fastest[name], timing.min_ms) for name, timing in again.items()}
    return fastest["candidate"] / fastest["base"]
