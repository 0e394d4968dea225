"""``dvfl preprocess``."""

from __future__ import annotations

import shlex

import click

from dvfl.cli.options import next_step


@click.command(short_help="Write the exact tensor that a model sees of a video.")
@click.argument("clip")
@click.option("--out", required=True, metavar="FILE", help="The .npy file to write.")
@click.option(
    "--bundle",
    help="Preprocess for the model in this bundle.  [default: the released students', 8 x 224 x 224]",
)
def preprocess(clip: str, out: str, bundle: str | None) -> None:
    """Write the tensor that a model sees of the video CLIP: uint8 [T, H, W, 3], RGB.

    The bytes are those that the Kotlin and Swift SDKs make of the same frames. Nothing half-written is
    left behind: FILE appears as a whole, or not at all.

    \b
    Examples:
      dvfl preprocess clip.mp4 --out clip.npy
      dvfl preprocess clip.mp4 --out clip.npy --bundle demo/bundle
    """
    import numpy as np

    from dvfl.bundle import Bundle
    from dvfl.files import atomic_write
    from dvfl.spec import PreprocessingSpec
    from dvfl.video import load_clip

    spec = Bundle.open(bundle).manifest.preprocessing if bundle else PreprocessingSpec.default()
    with atomic_write(out) as stream:
        pixels = load_clip(clip, spec).pixels
        np.lib.format.write_array(stream, pixels, allow_pickle=False)
    click.echo(f"{out}: uint8 {list(pixels.shape)}, RGB, values {pixels.min()}..{pixels.max()}")
    next_step(f"dvfl predict {shlex.quote(bundle) if bundle else 'BUNDLE'} {shlex.quote(clip)}")
