"""What making a clip of a video file costs beyond decoding it, against the usual way.

python benchmarks/preprocessing.py [FILE...] [--rounds N] [--frames N]

Without files, it encodes a grainy H.264 clip of 1920x1080 at 30 frames per second and about 16 Mbit/s into a
temporary folder. Each round runs, one after the other: decoding alone; ``dvfl.load_clip``; every frame to RGB
by libswscale (or only the asked frames), then OpenCV's resize and the crop; and every frame to RGB in the
spec's own arithmetic, then the same, which must give the bytes of ``load_clip``. All of them decode with all
cores and convert on one.

"CPU" is processor time of all threads. "Beyond" is processor time of the calling thread minus that of
decoding alone: the decoder works on threads of its own, and other programs on the machine disturb neither.
With one core the decoder has no threads; "beyond" is then a difference of large numbers. Prints minimum and
median.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np

from dvfl.frame import Pixels
from dvfl.preprocess import upright_pixels
from dvfl.resize import centre_crop_offset, resized_size
from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl.video import frame_count, iter_frames, load_clip

SPEC = PreprocessingSpec.default()
SOURCE = Path(__file__).resolve().parent.parent / "assets" / "carving_ice.mp4"
WIDTH, HEIGHT, RATE, BITS_PER_SECOND = 1920, 1080, 30, 16_000_000
GRAIN = 3.0
DECODING, OURS, SWSCALE, SWSCALE_ASKED, EXACT = (
    "decoding alone",
    "dvfl.load_clip",
    "swscale, every frame",
    "swscale, asked frames",
    "spec's arithmetic, every frame",
)


@dataclass(frozen=True)
class Cost:
    """Seconds of one run: elapsed, of all threads' processor time, of the calling thread's."""

    wall: float
    cpu: float
    caller: float


def decoding(path: Path) -> None:
    """Every frame, decoded and dropped."""
    for _ in decoded(path):
        pass


def ours(path: Path) -> Pixels:
    """uint8 [T, size, size, 3]."""
    return load_clip(path, SPEC).pixels


def swscale(path: Path) -> Pixels:
    """Every frame becomes RGB as most programs do it; the asked ones are then kept."""
    cropped = [resized_crop(swscale_rgb(picture)) for picture in decoded(path)]
    return np.stack([cropped[index] for index in clip_frame_indices(len(cropped), SPEC)])


def swscale_asked(path: Path) -> Pixels:
    """As ``swscale``, of the asked frames only."""
    chosen: dict[int, Pixels] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        # True of a plain MP4 file; elsewhere this way needs a second reading.
        asked = clip_frame_indices(stream.frames, SPEC)
        for index, picture in enumerate(container.decode(stream)):
            if index in asked:
                chosen[index] = resized_crop(swscale_rgb(picture))
    return np.stack([chosen[index] for index in asked])


def exact(path: Path) -> Pixels:
    """Every frame becomes RGB in the spec's integer arithmetic, whole; the asked ones are then kept."""
    cropped = [resized_crop(upright_pixels(frame, SPEC)) for frame in iter_frames(path, SPEC)]
    return np.stack([cropped[index] for index in clip_frame_indices(len(cropped), SPEC)])


WAYS: dict[str, Callable[[Path], Pixels | None]] = {
    DECODING: decoding,
    OURS: ours,
    SWSCALE: swscale,
    SWSCALE_ASKED: swscale_asked,
    EXACT: exact,
}


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    """Every picture, by all cores."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        yield from container.decode(stream)


def swscale_rgb(picture: av.VideoFrame) -> Pixels:
    """The whole upright picture, uint8 [height, width, 3]."""
    rgb = picture.reformat(format="rgb24", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, picture.rotation // 90)).astype(np.uint8, copy=False)


def resized_crop(rgb: Pixels) -> Pixels:
    """OpenCV's resize of a whole frame and the centre crop: uint8 [size, size, 3]."""
    width, height = resized_size(rgb.shape[1], rgb.shape[0], SPEC.resize)
    resized = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    size = SPEC.crop.size
    left, top = centre_crop_offset(width, size), centre_crop_offset(height, size)
    return np.asarray(resized[top : top + size, left : left + size], np.uint8)


def measured(work: Callable[[Path], Pixels | None], path: Path) -> tuple[Cost, Pixels | None]:
    """One run and what came of it."""
    start = time.perf_counter(), time.process_time(), time.thread_time()
    result = work(path)
    end = time.perf_counter(), time.process_time(), time.thread_time()
    return Cost(*(after - before for before, after in zip(start, end, strict=True))), result


def interleaved(path: Path, rounds: int, names: tuple[str, ...] = tuple(WAYS)) -> dict[str, list[Cost]]:
    """The costs of each way, one per round.

    Raises:
        SystemExit: the spec's arithmetic on whole frames gave other bytes than ``load_clip``.
    """
    cv2.setNumThreads(1)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    clips: dict[str, Pixels | None] = {}
    for number in range(rounds):
        for name in names:
            print(f"round {number + 1}/{rounds}: {name}", file=sys.stderr, flush=True)
            cost, clips[name] = measured(WAYS[name], path)
            costs[name].append(cost)
    if EXACT in names and not np.array_equal(clips[EXACT], clips[OURS]):
        sys.exit(f"{path}: load_clip gives other bytes than the same arithmetic on whole frames")
    return costs


def beyond(costs: dict[str, list[Cost]], name: str) -> tuple[float, float]:
    """(minimum, median) of the seconds of the calling thread that decoding alone doesn't take."""
    base = [cost.caller for cost in costs[DECODING]]
    times = [cost.caller for cost in costs[name]]
    return min(times) - min(base), median(times) - median(base)


def table(costs: dict[str, list[Cost]]) -> str:
    """Markdown: minimum / median of each way and its ratio of minima to ``load_clip``."""

    def pair(values: list[float]) -> str:
        return f"{min(values):.2f} / {median(values):.2f}"

    def row(name: str) -> str:
        runs = costs[name]
        whole = min(cost.cpu for cost in runs) / min(cost.cpu for cost in costs[OURS])
        fastest, middle = beyond(costs, name)
        rest = "| - | - |"
        if name != DECODING:
            rest = f"| {fastest * 1e3:.1f} / {middle * 1e3:.1f} | {fastest / beyond(costs, OURS)[0]:.1f} |"
        wall, cpu = pair([cost.wall for cost in runs]), pair([cost.cpu for cost in runs])
        return f"| {name} | {wall} | {cpu} | {whole:.2f} {rest}"

    head = "| way | elapsed s | CPU s | x load_clip | beyond decoding, ms | x load_clip |"
    return "\n".join((head, "|---|---|---|---|---|---|", *(row(name) for name in costs)))


def encode(path: Path, frames: int) -> Path:
    """The demo's real clip, enlarged, forwards and backwards, with moving grain, as H.264."""
    with av.open(str(SOURCE)) as container:
        pictures = [
            picture.reformat(WIDTH, WIDTH, format="yuv420p", interpolation="BICUBIC").to_ndarray()
            for picture in container.decode(video=0)
            if picture.pts is not None
        ][:64]
    there_and_back = pictures + pictures[-2:0:-1]
    rng = np.random.default_rng(0)
    grain = rng.normal(0, GRAIN, (HEIGHT + 64, WIDTH + 64)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BITS_PER_SECOND
        for index in range(frames):
            top, left = rng.integers(0, 64, 2)
            noise = grain[top : top + HEIGHT, left : left + WIDTH]
            picture = av.VideoFrame.from_ndarray(
                grainy(there_and_back[index % len(there_and_back)], noise), format="yuv420p"
            )
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def grainy(square: Pixels, noise: np.ndarray) -> Pixels:
    """The middle of a square picture with noise in its luma: I420, uint8 [3 * HEIGHT / 2, WIDTH]."""
    first = (WIDTH - HEIGHT) // 2
    luma = np.clip(square[first : first + HEIGHT] + noise, 16, 235).astype(np.uint8)
    chroma = square[WIDTH:].reshape(2, WIDTH // 2, WIDTH // 2)[:, first // 2 : (first + HEIGHT) // 2]
    return np.concatenate((luma, chroma.reshape(-1, WIDTH)))


def report(path: Path, rounds: int) -> None:
    """Measure one file and print its table."""
    costs = interleaved(path, rounds)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = path.stat().st_size * 8e-6 * float(stream.average_rate or 1) / frame_count(path)
        context = stream.codec_context
        print(
            f"\n{path.name}: {context.name} {context.pix_fmt} {context.width}x{context.height}, "
            f"{frame_count(path)} frames, {rate:.1f} Mbit/s, {rounds} rounds, minimum / median\n"
        )
    print(table(costs))
    share = beyond(costs, OURS)[0] / min(cost.cpu for cost in costs[OURS])
    print(f"\n{share:.1%} of load_clip's processor time is not decoding.", flush=True)


def main() -> None:
    """Prints one table per file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="videos; default: one made here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300, help="of the video made here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files or [encode(Path(folder) / "1080p.mp4", options.frames)]:
            report(path, options.rounds)


if __name__ == "__main__":
    main()
