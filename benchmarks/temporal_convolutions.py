"""Forms of the temporal convolution in LiteRT, where each one pays.

python benchmarks/temporal_convolutions.py [--rounds N] [--threads N]

For the stages of the published students and of the shipped ones, a chain of three convolutions over time is
converted in the direct form and as F(2, k) (``dvfl_converter.lowering.winograd``), and both are run in turn.
Prints milliseconds per convolution, minimum / median, and the ratio of the minima.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor, nn

from dvfl_converter.bench.timing import interleaved
from dvfl_converter.lowering import winograd
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.litert.lowering import convolved, temporal_convolution

CHAIN = 3
FRAMES = 8
STAGES = ((96, 56), (192, 28), (384, 14), (768, 7), (128, 4), (256, 2))


class Chain(nn.Module):
    """Convolutions one after the other, so that the input's copy counts little."""

    def __init__(self, channels: int, taps: int, pixels: int, *, fast: bool) -> None:
        super().__init__()
        kernels = [torch.randn(channels, channels, taps) * (channels * taps) ** -0.5 for _ in range(CHAIN)]
        self.layers = nn.ModuleList(
            temporal_convolution(kernel, frames=FRAMES, pixels=pixels, winograd=fast) for kernel in kernels
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = convolved(x, layer)
        return x


def runner(module: nn.Module, x: Tensor, threads: int) -> Callable[[], None]:
    """The converted module in LiteRT, ready to run."""
    with tempfile.TemporaryDirectory() as folder, quiet_native():
        import litert_torch

        path = Path(folder, "chain.tflite")
        litert_torch.convert(module.eval(), (x,)).export(str(path))
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x.numpy())
    return lambda: interpreter.invoke()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    winograd.FEWEST_CHANNELS = winograd.FEWEST_POSITIONS = 1
    print("| channels | frame | taps | direct ms | F(2, k) ms | ratio |\n|---|---|---|---|---|---|")
    for channels, side in STAGES:
        x = torch.randn(1, FRAMES, side * side, channels)
        for taps in (3, 5):
            calls = {
                form: runner(Chain(channels, taps, side * side, fast=form == "fast"), x, options.threads)
                for form in ("direct", "fast")
            }
            timing = interleaved(calls, options.rounds)
            direct, fast = ([ms / CHAIN for ms in timing[form].runs_ms] for form in ("direct", "fast"))
            print(
                f"| {channels} | {side} x {side} | {taps} | {min(direct):.2f} / {median(direct):.2f} "
                f"| {min(fast):.2f} / {median(fast):.2f} | {min(fast) / min(direct):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
