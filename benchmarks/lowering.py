"""What the rewrites of the temporal convolutions give, in the runtimes themselves, as Markdown tables.

One process, random weights, fp32; every form runs once per round, so that a slow moment hits all
of them. Ratios are to the direct form of the same run.

    python benchmarks/lowering.py litert                    the whole network (nano, 8 frames, 224x224)
    python benchmarks/lowering.py executorch --frames 16    the same with 16 frames
    python benchmarks/lowering.py litert --convolutions     single convolutions at each stage's size
    python benchmarks/lowering.py litert --convolutions 768x3 64x28    and at 3x3 and 28x28 positions
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from dvfl.model import VARIANTS, VideoFocalNet
from dvfl.spec import PreprocessingSpec
from dvfl_converter.bench.timing import Timing, interleaved
from dvfl_converter.lowering.filtering_layers import FilteredRows, FilteredStack
from dvfl_converter.lowering.layers import linear, over_time, pointwise
from dvfl_converter.lowering.winograd import Form
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.executorch import lowering as executorch_lowering
from dvfl_converter.targets.litert import lowering as litert_lowering

SPEC = PreprocessingSpec.default()
CLASSES = 101
STAGES = ("96x56", "192x28", "384x14", "768x7")
CONVOLUTIONS_IN_CHAIN = 4
MIXED = "F(2, 3), F(4, 5)"
EVERYWHERE = {
    f"F({a}, 3), F({b}, 5)": (Form(3, a, fewest_channels=1), Form(5, b, fewest_channels=1))
    for a, b in ((2, 2), (2, 4), (4, 4))
}


@dataclass(frozen=True)
class Loaded:
    """A converted module: ``run`` leaves its result where ``output`` finds it."""

    run: Callable[[], object]
    output: Callable[[], Tensor]
    megabytes: float
    delegates: int


def main() -> None:
    """Measures what the arguments say."""
    arguments = _arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    load = partial(
        {"litert": _litert, "executorch": _executorch}[arguments.target], threads=arguments.threads
    )
    size = f"{arguments.frames} frames, {arguments.threads} threads, {arguments.rounds} rounds"
    print(f"{arguments.target}, {size}\n")
    if arguments.convolutions is not None:
        sizes = [_size(text) for text in arguments.convolutions or STAGES]
        _convolutions(arguments.target, load, sizes, arguments.frames, arguments.rounds)
    else:
        _networks(arguments.target, load, arguments.variant, arguments.frames, arguments.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=("litert", "executorch"))
    parser.add_argument("--variant", choices=tuple(VARIANTS), default="nano")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--convolutions",
        nargs="*",
        metavar="CHANNELSxSIDE",
        help="single convolutions; the stages' by default",
    )
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    channels, side = text.split("x")
    return int(channels), int(side)


def _networks(
    target: str, load: Callable[[nn.Module, Tensor], Loaded], variant: str, frames: int, rounds: int
) -> None:
    network = _random_network(variant)
    clip = torch.randint(0, 256, (frames, 3, 224, 224)).float()
    example = clip.permute(0, 2, 3, 1).contiguous() if target == "litert" else clip
    lowering: Any = litert_lowering if target == "litert" else executorch_lowering
    loaded = {"direct": load(_lowered(lowering, network, frames, ()), example)}
    everywhere = dict(EVERYWHERE)
    if target == "executorch":
        del everywhere[MIXED]  # ExecuTorch's form takes one m per block.
    for name, forms in (everywhere | {"chosen": lowering.FORMS}).items():
        loaded[name] = load(_lowered(lowering, network, frames, forms), example)
    timings = interleaved({name: form.run for name, form in loaded.items()}, rounds)
    expected = _reference(network, clip)
    print(
        "| form | ms (min) | ms (median) | ratio of minima | of medians | MB | delegates | error of range |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, form in loaded.items():
        least, middle = _ratios(timings[name], timings["direct"])
        error = (form.output().flatten().double() - expected).abs().max() / (expected.max() - expected.min())
        times = f"{timings[name].min_ms:.1f} | {timings[name].p50_ms:.1f} | {least:.3f} | {middle:.3f}"
        print(f"| {name} | {times} | {form.megabytes:.1f} | {form.delegates} | {float(error):.1e} |")


def _convolutions(
    target: str,
    load: Callable[[nn.Module, Tensor], Loaded],
    sizes: Sequence[tuple[int, int]],
    frames: int,
    rounds: int,
) -> None:
    """One convolution's time is a quarter of a chain's beyond that of an empty chain."""
    print("ms per convolution (min), ratio to direct\n")
    print("| channels | pixels | taps | direct | F(2, k) | F(4, k) |")
    print("|---|---|---|---|---|---|")
    for channels, side in sizes:
        shape = (
            (1, frames, side * side, channels) if target == "litert" else (1, channels, frames * side, side)
        )
        for taps in (3, 5):
            kernel = torch.randn(channels, channels, taps) * (channels * taps) ** -0.5
            chains = _chains(target, kernel, frames, side)
            loaded = {name: load(chain, torch.randn(shape)) for name, chain in chains.items()}
            timings = interleaved({name: form.run for name, form in loaded.items()}, rounds)
            cells = _cells(timings)
            print(f"| {channels} | {side}x{side} | {taps} | {cells} |", flush=True)


def _cells(timings: Mapping[str, Timing]) -> str:
    empty = timings["empty"].min_ms
    each = {
        name: (timing.min_ms - empty) / CONVOLUTIONS_IN_CHAIN
        for name, timing in timings.items()
        if name != "empty"
    }
    return " | ".join(f"{value:.2f} ({value / each['direct']:.2f})" for value in each.values())


def _chains(target: str, kernel: Tensor, frames: int, side: int) -> dict[str, nn.Module]:
    """The forms of a convolution by name, several times in a row; ``empty`` only copies."""

    def form(outputs: int) -> nn.Module:
        if target == "litert":
            return _ChannelsLast(over_time(kernel)) if outputs == 1 else FilteredRows(kernel, outputs, linear)
        if outputs == 1:
            return over_time(kernel, side)
        return FilteredStack(kernel, outputs, pointwise, frames, side)

    chains: dict[str, nn.Module] = {"empty": _Negated()}
    for name, outputs in (("direct", 1), ("F(2, k)", 2), ("F(4, k)", 4)):
        chains[name] = nn.Sequential(*(form(outputs) for _ in range(CONVOLUTIONS_IN_CHAIN)), _Negated())
    return chains


class _ChannelsLast(nn.Module):
    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x.permute(0, 3, 1, 2))
        return out.permute(0, 2, 3, 1)


class _Negated(nn.Module):
    """An operator, because a program that only returns its input is none."""

    def forward(self, x: Tensor) -> Tensor:
        return -x


def _lowered(lowering: Any, network: VideoFocalNet, frames: int, forms: Sequence[Form]) -> nn.Module:
    with mock.patch.object(lowering, "FORMS", forms):
        module: nn.Module = lowering.lower(
            network, frames, 224, SPEC.normalization.mean, SPEC.normalization.std, winograd=bool(forms)
        )
    return module


def _litert(module: nn.Module, example: Tensor, threads: int) -> Loaded:
    from ai_edge_litert.interpreter import Interpreter

    with tempfile.TemporaryDirectory() as folder, quiet_native():
        import litert_torch

        path = Path(folder, "model.tflite")
        litert_torch.convert(module.eval(), (example,)).export(str(path))
        content = path.read_bytes()
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example.numpy())
    output = interpreter.get_output_details()[0]["index"]
    delegates = [node["op_name"] for node in interpreter._get_ops_details()].count("DELEGATE")
    return Loaded(
        interpreter.invoke,
        lambda: torch.from_numpy(interpreter.get_tensor(output)),
        len(content) / 1e6,
        delegates,
    )


def _executorch(module: nn.Module, example: Tensor, threads: int) -> Loaded:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    with quiet_native(), torch.no_grad():
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime

        if portable_lib._threadpool_get_thread_count() != threads:
            portable_lib._unsafe_reset_threadpool(threads)
        edge = to_edge_transform_and_lower(
            torch.export.export(module.eval(), (example,)),
            partitioner=[XnnpackPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        content = edge.to_executorch().buffer
        program = Runtime.get().load_program(content)
        method = program.load_method("forward")
    calls = [str(node.target) for node in edge.exported_program().graph.nodes if node.op == "call_function"]
    result: list[Tensor] = []

    def run(_alive: object = (program, content)) -> None:
        result[:] = method.execute([example])

    return Loaded(
        run,
        lambda: result[0],
        len(content) / 1e6,
        sum("delegate" in call for call in calls),
    )


def _random_network(variant: str) -> VideoFocalNet:
    """Weights of unit gain, so that every branch reaches the logits."""
    network = VideoFocalNet(VARIANTS[variant].with_classes(CLASSES)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return network


def _reference(network: VideoFocalNet, clip: Tensor) -> Tensor:
    """The logits ``[K]`` in float64."""
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (SPEC.normalization.mean, SPEC.normalization.std)
    )
    with torch.no_grad():
        logits: Tensor = network.double()(((clip.double() - mean) / std).unsqueeze(0))[0]
    network.float()
    return logits


def _ratios(timing: Timing, base: Timing) -> tuple[float, float]:
    return timing.min_ms / base.min_ms, timing.p50_ms / base.p50_ms


if __name__ == "__main__":
    main()
