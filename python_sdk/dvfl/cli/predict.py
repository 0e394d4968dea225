"""``dvfl predict``."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import Choice, Top, bar, next_step, print_table

if TYPE_CHECKING:
    from dvfl.predictions import Prediction

# Repeated here because the registry's and the manifest's own modules cost the help its speed.
ENGINE_NAMES = ("litert", "executorch", "coreml", "torch")
PRECISIONS = ("fp32", "fp16", "int8")


@click.command(short_help="Say what happens in a video.")
@click.argument("bundle")
@click.argument("clip")
@click.option(
    "--engine",
    type=Choice("engine", ENGINE_NAMES),
    help="What runs the model; torch is the reference.  "
    "[default: the first of litert, executorch, coreml, torch that is installed and that the bundle has]",
)
@click.option(
    "--precision",
    type=Choice("precision", PRECISIONS),
    help="Which artifact of the engine.  [default: the bundle's first that passed its parity gate]",
)
@click.option("--top", type=Top(), default="5", show_default=True, help="How many classes to show.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads.  [default: the engine's choice; litert: 4, or fewer on fewer cores]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in place of a table.")
def predict(
    bundle: str,
    clip: str,
    engine: str | None,
    precision: str | None,
    top: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say what happens in the video CLIP, with the model in BUNDLE.

    The frames are chosen over the whole clip and preprocessed exactly as on a phone.

    \b
    Examples:
      dvfl predict demo/bundle clip.mp4
      dvfl predict demo/bundle clip.mp4 --engine torch --top all
      dvfl predict demo/bundle clip.mp4 --json | jq -r .predictions[0].label

    \b
    --json prints
      {"clip", "engine", "precision",
       "predictions": [{"index", "label", "logit", "score"}, ...]}   best first
    """
    from dvfl.recognizer import ActionRecognizer

    with ActionRecognizer.open(bundle, engine, precision, threads) as recognizer:
        predictions = recognizer.recognize(clip, top)
        used = {"clip": clip, "engine": recognizer.engine, "precision": recognizer.precision}
    if as_json:
        click.echo(json.dumps({**used, "predictions": [asdict(found) for found in predictions]}))
        return
    click.echo(f"{clip}  ({used['engine']}, {used['precision']})\n")
    _print_predictions(predictions)
    next_step(f"dvfl inspect {shlex.quote(bundle)}")


def _print_predictions(predictions: list[Prediction]) -> None:
    header = ("class", "score", "logit", "")
    rows = [
        (found.label, f"{found.score:.1%}", f"{found.logit:.3f}", bar(found.score)) for found in predictions
    ]
    print_table([header, *rows], right=(1, 2))
