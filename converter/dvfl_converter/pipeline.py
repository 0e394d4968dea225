"""From a checkpoint to a proved bundle: the stages in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.markup import escape
from torch.utils.flop_counter import FlopCounterMode

from dvfl.bundle import Bundle
from dvfl.errors import ConversionError
from dvfl.manifest import Artifact, Manifest, ModelCard
from dvfl.model import VideoFocalNet, variant_name
from dvfl_converter.bench.timing import machine
from dvfl_converter.bundle_writer import REPORT_FILE, write_manifest, write_reference, write_vector
from dvfl_converter.clips import NamedClip
from dvfl_converter.compression.checkpoints import recorded
from dvfl_converter.compression.compress import check_gate, compress
from dvfl_converter.compression.summary import Compression
from dvfl_converter.inputs import Inputs, Request, read_inputs
from dvfl_converter.parity.compare import LogitsByClip
from dvfl_converter.production import Made, Production, run_reference
from dvfl_converter.progress import Steps
from dvfl_converter.report.clips import with_pictures
from dvfl_converter.report.evidence import ClipEvidence, Evidence, Failure, StressEvidence
from dvfl_converter.report.record import write_record
from dvfl_converter.report.render import render
from dvfl_converter.staging import staged_folder
from dvfl_converter.workshop import Workshop

MAX_VECTORS = 4


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    out: Path
    manifest: Manifest
    failures: tuple[Failure, ...]
    compression: Compression | None = None

    @property
    def failed_gates(self) -> tuple[Artifact, ...]:
        """Artifacts that were made and executed, but say something else than PyTorch."""
        return tuple(a for a in self.manifest.artifacts if a.parity.status == "failed")


def convert(request: Request, *, quiet: bool = False) -> Outcome:
    """Converts, proves and writes the bundle, whole or not at all.

    A target that fails is reported in the outcome and does not lose the others.

    Raises:
        DvflError: an input is unusable, the output cannot be written, or every target failed.
    """
    searches = sum(conversion.int8 == "search" for conversion in request.conversions)
    total = 3 + searches + (request.compress is not None) + 2 * len(request.conversions)
    with Steps(total=total, quiet=quiet) as steps:
        with steps.step("reading checkpoint, labels and clips"):
            inputs = read_inputs(request)
        inputs, compression = _compressed(inputs, request, steps)
        if inputs.warning:
            steps.done(f"[yellow]warning:[/] {escape(inputs.warning)}")
        with staged_folder(request.out, replace=request.replace) as staging:
            with steps.step("running the PyTorch reference"):
                network = inputs.checkpoint.network()
                base = _base_manifest(staging, inputs, network)
                bundle, made = Bundle(staging, base), Made()
                reference, selection = run_reference(bundle, inputs, made)
            workshop = Workshop(network, inputs, bundle)
            production = Production(request, inputs, workshop, reference, selection, made, steps)
            for conversion in request.conversions:
                production.make(conversion)
            workshop.clear()
            if not made.artifacts:
                raise ConversionError("; ".join(failure.message for failure in made.failures))
            with steps.step("writing the bundle"):
                manifest = _complete(staging, base, inputs, reference, made)
                _write_report(staging, manifest, inputs, reference, made, compression)
    return Outcome(request.out, manifest, tuple(made.failures), compression)


def _compressed(inputs: Inputs, request: Request, steps: Steps) -> tuple[Inputs, Compression | None]:
    """With temporal kernels of lower rank where that is asked for; and how the manifest tells of ranks."""
    compression = None
    if request.compress is not None:
        checkpoint, spec = inputs.checkpoint, inputs.spec
        with steps.step("compressing the temporal convolutions"):
            macs = count_macs(checkpoint.network(), spec.temporal.frames, spec.crop.size)
            smaller, compression = compress(
                checkpoint, request.compress, inputs.calibration, inputs.clips, spec, macs
            )
            check_gate(compression, checkpoint)
        inputs = replace(inputs, checkpoint=smaller)
    return replace(inputs, recorded=recorded(inputs.checkpoint.network(), compression)), compression


def _base_manifest(root: Path, inputs: Inputs, network: VideoFocalNet) -> Manifest:
    checkpoint, spec = inputs.checkpoint, inputs.spec
    frames, size = spec.temporal.frames, spec.crop.size
    architecture = checkpoint.architecture
    card = ModelCard(
        name=variant_name(architecture),
        depths=architecture.depths,
        width=architecture.width,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=count_macs(network, frames, size),
        frames=frames,
        size=size,
        checkpoint=checkpoint.path.name,
        checkpoint_sha256=checkpoint.sha256,
    )
    return Manifest(
        model=card,
        labels=inputs.labels,
        preprocessing=spec,
        reference=write_reference(root, checkpoint),
        artifacts=(),
        reference_vectors=(),
    )


def count_macs(network: VideoFocalNet, frames: int, size: int) -> int:
    """Multiply-accumulates of convolutions and linear layers for one clip."""
    with torch.device("meta"):
        shadow = VideoFocalNet(network.architecture).eval()
        clip = torch.zeros(1, frames, 3, size, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(clip)
    return int(counter.get_total_flops()) // 2


def _complete(root: Path, base: Manifest, inputs: Inputs, reference: LogitsByClip, made: Made) -> Manifest:
    vectors = tuple(
        write_vector(root, index, clip, reference[clip.name])
        for index, clip in enumerate(inputs.clips[:MAX_VECTORS])
    )
    manifest = base.model_copy(update={"artifacts": tuple(made.artifacts), "reference_vectors": vectors})
    write_manifest(root, Manifest.model_validate(manifest.model_dump()))
    return manifest


def _clip_evidence(clip: NamedClip, reference: LogitsByClip, made: Made) -> ClipEvidence:
    said = {name: logits[clip.name] for name, logits in made.logits.items() if clip.name in logits}
    return ClipEvidence(clip.name, clip.pixels, reference[clip.name], said)


def _write_report(
    root: Path,
    manifest: Manifest,
    inputs: Inputs,
    reference: LogitsByClip,
    made: Made,
    compression: Compression | None,
) -> None:
    clips = tuple(_clip_evidence(clip, reference, made) for clip in inputs.clips)
    worst = {parity.worst.clip for parity in made.stress.values() if parity.worst}
    hurting = tuple(
        _clip_evidence(clip, reference, made)
        for clip in (*inputs.stress, *made.climbed.values())
        if clip.name in worst
    )
    # The pictures are made once: the record holds those of the page.
    evidence = with_pictures(
        Evidence(
            manifest,
            clips,
            tuple(made.latencies),
            tuple(made.failures),
            machine(),
            searches=tuple(made.searches),
            peaks=tuple(made.peaks),
            compression=compression,
            stress=StressEvidence(hurting, made.stress),
        )
    )
    write_record(Bundle(root, manifest), evidence)
    (root / REPORT_FILE).write_text(render(evidence), encoding="utf-8")
