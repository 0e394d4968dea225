"""Write ``spec/golden/bundle``, a small real bundle, and what it says of the real clip.

``python spec/make_golden_bundle.py`` converts a random student with the real pipeline (about a minute; the
artifacts' bytes may change with the converters' versions). ``--check`` converts nothing: it exits 1 unless
the committed bundle opens, every sha256 holds and every engine repeats its logits. See ``spec/README.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from golden_frames import REAL_CLIP
from make_golden import json_lines, sha256

from dvfl.bundle import LABELS_FILE, MANIFEST_FILE, Bundle
from dvfl.errors import DvflError
from dvfl.hashing import sha256_file
from dvfl.manifest import StoredFile
from dvfl.predictions import rank
from dvfl.recognizer import ActionRecognizer
from dvfl.sampling import clip_frame_indices
from dvfl.video import frame_count, load_clip

GOLDEN = Path(__file__).resolve().parent / "golden"
BUNDLE = GOLDEN / "bundle"
RESULTS = GOLDEN / "bundle_results.json"
SECOND_CLIP = REAL_CLIP.parent / "clips" / "zoom_in.mp4"

LABELS = ("static", "pan left", "pan right", "zoom in", "zoom out", "shake")
DEPTHS, WIDTH = (1, 1, 1, 1), 8
FRAMES, SIZE = 8, 64
PRECISIONS = ("litert=fp32", "litert=int8", "executorch=fp32")
SETTINGS = ("litert.int8=dynamic",)
# Artifacts whose logits are the same on every machine, but for the order of a sum.
EXACT = (("litert", "fp32"), ("executorch", "fp32"))
TOLERANCE = 1e-5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="convert nothing; exit 1 if something disagrees")
    if parser.parse_args().check:
        found = list(problems())
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    convert_student()
    RESULTS.write_text(json_lines(results()))
    total = sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file())
    print(f"{BUNDLE}: {total} bytes\n{RESULTS}: {RESULTS.stat().st_size} bytes")
    return 0


def convert_student() -> None:
    """The bundle, by the pipeline of ``dvfl convert``; without the report for people."""
    from dvfl_converter.bundle_writer import REPORT_FILE
    from dvfl_converter.inputs import Request
    from dvfl_converter.pipeline import convert
    from dvfl_converter.plan import plan_conversions

    with tempfile.TemporaryDirectory() as folder:
        checkpoint, labels = Path(folder) / "random_student.pth", Path(folder) / "labels.txt"
        labels.write_text("".join(f"{label}\n" for label in LABELS))
        save_student(checkpoint)
        request = Request(
            checkpoint=checkpoint,
            labels=labels,
            out=BUNDLE,
            conversions=plan_conversions(("litert", "executorch"), PRECISIONS, SETTINGS),
            frames=FRAMES,
            size=SIZE,
            clips=(REAL_CLIP, SECOND_CLIP),
            replace=True,
            keep_refused=True,
        )
        outcome = convert(request)
    # On a network this small int8 gains no time, and nothing depends on that here.
    if broken := [failure.message for failure in outcome.failures if not failure.refused]:
        raise SystemExit("\n".join(broken))
    (BUNDLE / REPORT_FILE).unlink()


def save_student(path: Path) -> None:
    """A random network of unit gain: the released initialisation hardly lets a branch reach the logits."""
    import torch

    from dvfl.model import Architecture, VideoFocalNet

    torch.manual_seed(0)
    network = VideoFocalNet(Architecture(DEPTHS, WIDTH, len(LABELS))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
    torch.save({"model": network.state_dict()}, path)


def results() -> dict[str, Any]:
    """The content of ``bundle_results.json``: what this SDK makes of the real clip."""
    bundle = Bundle.open(BUNDLE)
    spec = bundle.manifest.preprocessing
    total = frame_count(REAL_CLIP)
    clip = load_clip(REAL_CLIP, spec)
    logits = {}
    for target, precision in EXACT:
        with ActionRecognizer.open(bundle, target, precision, threads=1) as recognizer:
            logits[f"{target}-{precision}"] = [float(value) for value in recognizer.logits(clip)]
    best = rank(logits["litert-fp32"], bundle.manifest.labels)
    return {
        "format": 1,
        "manifest_sha256": sha256_file(BUNDLE / MANIFEST_FILE),
        "video": {
            "file": f"assets/{REAL_CLIP.name}",
            "sha256": sha256_file(REAL_CLIP),
            "frame_count": total,
            "indices": clip_frame_indices(total, spec),
            "tensor": {"sha256": sha256(clip.pixels)},
        },
        "logits": logits,
        "predictions": {
            "litert-fp32": [{"index": p.index, "label": p.label, "score": p.score} for p in best]
        },
    }


def problems() -> Iterator[str]:
    """One line for each thing that is not as committed."""
    try:
        bundle = Bundle.open(BUNDLE)
        for stored in stored_files(bundle):
            bundle.verified(stored)
        again = json.loads(json.dumps(results()))
    except DvflError as error:
        yield str(error)
        return
    if (BUNDLE / LABELS_FILE).read_text(encoding="utf-8").splitlines() != list(bundle.manifest.labels):
        yield f"{LABELS_FILE}: not the manifest's labels"
    committed = json.loads(RESULTS.read_text())
    for key in ("format", "manifest_sha256", "video"):
        if committed[key] != again[key]:
            yield f"{key}: is {again[key]}, committed {committed[key]}"
    for name, logits in again["logits"].items():
        difference = np.abs(np.array(logits) - committed["logits"][name]).max()
        if not difference <= TOLERANCE:
            yield f"{name}: a logit differs by {difference:.1e}"
    for name, best in again["predictions"].items():
        for row, expected in zip(best, committed["predictions"][name], strict=True):
            if row["label"] != expected["label"] or abs(row["score"] - expected["score"]) > TOLERANCE:
                yield f"{name}: is {row}, committed {expected}"


def stored_files(bundle: Bundle) -> list[StoredFile]:
    manifest = bundle.manifest
    reference = [] if manifest.reference is None else [manifest.reference]
    return [*manifest.artifacts, *manifest.reference_vectors, *reference]


if __name__ == "__main__":
    sys.exit(main())
