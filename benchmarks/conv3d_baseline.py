"""Can a data set be learned at all, and is anything left to learn? A small Conv3d network as the ruler.

Five convolutions, trained for a few minutes on clips that are decoded once into memory. Far above chance says
that the classes can be told apart; far below 100 % says that a better network has something to win.

Run: python benchmarks/conv3d_baseline.py DIR/manifest.csv [--epochs 25] [--train 100] [--test 20]
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_training.data.manifest import Entry, Manifest, Split, read_manifest

Z95 = 1.959964


def main() -> None:
    """Trains, and prints the accuracy with its interval, per class, and the commonest mistakes."""
    options = _parser().parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    spec = PreprocessingSpec.default().with_clip(frames=options.frames, size=options.size)
    manifest = read_manifest(options.manifest)
    started = time.monotonic()
    train = decoded(manifest, Split.TRAIN, options.train, spec, options.threads)
    test = decoded(manifest, Split(options.split), options.test, spec, options.threads)
    print(
        f"{len(train[0])} training clips, {len(test[0])} {options.split} clips, "
        f"decoded in {time.monotonic() - started:.0f} s"
    )
    network = fit(train, manifest.mirrored_labels, len(manifest.classes), options)
    print(f"trained {options.epochs} epochs; {time.monotonic() - started:.0f} s in all")
    for name, (clips, labels) in (("train", train), (options.split, test)):
        report(name, manifest.classes, labels, answers(network, clips), detailed=name != "train")


def decoded(
    manifest: Manifest, split: Split, per_class: int, spec: PreprocessingSpec, workers: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Clips uint8 ``[N, T, S, S, 3]`` as the phone preprocesses them, and labels ``[N]``."""
    seen: Counter[int] = Counter()
    chosen: list[Entry] = []
    for entry in manifest.of(split):
        if seen[entry.label] < per_class:
            seen[entry.label] += 1
            chosen.append(entry)
    jobs = [(manifest.file(entry), spec) for entry in chosen]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        clips = list(pool.map(_pixels, jobs, chunksize=16))
    return np.stack(clips), np.array([entry.label for entry in chosen])


def _pixels(job: tuple[Path, PreprocessingSpec]) -> NDArray[np.uint8]:
    return load_clip(*job).pixels


def baseline(classes: int, width: int = 16) -> nn.Module:
    """Five Conv3d + BatchNorm + ReLU; only space is strided before the third."""
    layers: list[nn.Module] = []
    channels = 3
    for depth, stride in enumerate(((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 1, 1))):
        wide = min(width * 2**depth, 128)
        layers += [
            nn.Conv3d(channels, wide, 3, stride, padding=1, bias=False),
            nn.BatchNorm3d(wide),
            nn.ReLU(),
        ]
        channels = wide
    head = [nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, classes)]
    return nn.Sequential(*layers, *head)


def fit(
    train: tuple[NDArray[np.uint8], NDArray[np.int64]],
    mirrored: tuple[int, ...] | None,
    classes: int,
    options: argparse.Namespace,
) -> nn.Module:
    """AdamW, one cycle, with mirrored and slightly shifted clips."""
    clips, labels = train
    network = baseline(classes).train()
    steps = options.epochs * (len(clips) // options.batch)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    dice = np.random.default_rng(options.seed)
    for epoch in range(options.epochs):
        order, total = dice.permutation(len(clips)), 0.0
        for start in range(0, len(order) - options.batch + 1, options.batch):
            chosen = order[start : start + options.batch]
            pixels, wanted = augmented(clips[chosen], labels[chosen], mirrored, dice)
            loss = loss_of(network(to_input(pixels)), torch.from_numpy(wanted))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}: loss {total / (len(order) // options.batch):.3f}", flush=True)
    return network


def augmented(
    clips: NDArray[np.uint8],
    labels: NDArray[np.int64],
    mirrored: tuple[int, ...] | None,
    dice: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Each clip shifted by up to four pixels, and half of them mirrored where labels allow it."""
    clips, labels = clips.copy(), labels.copy()
    for index in range(len(clips)):
        clips[index] = np.roll(clips[index], dice.integers(-4, 5, 2), axis=(1, 2))
        if mirrored is not None and dice.random() < 0.5:
            clips[index] = clips[index][:, :, ::-1]
            labels[index] = mirrored[labels[index]]
    return clips, labels


def to_input(clips: NDArray[np.uint8]) -> Tensor:
    """Float32 ``[B, 3, T, H, W]`` of about unit variance."""
    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float().sub_(118).div_(58)


def answers(network: nn.Module, clips: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The class of each clip."""
    network.eval()
    with torch.inference_mode():
        parts = [network(to_input(clips[at : at + 64])).argmax(1).numpy() for at in range(0, len(clips), 64)]
    return np.concatenate(parts)


def report(
    name: str,
    classes: tuple[str, ...],
    labels: NDArray[np.int64],
    found: NDArray[np.int64],
    *,
    detailed: bool,
) -> None:
    """Top-1 with Wilson's interval; ``detailed`` adds each class and its commonest mistake."""
    right, count = int((labels == found).sum()), len(labels)
    share = right / count
    centre = (share + Z95**2 / (2 * count)) / (1 + Z95**2 / count)
    half = Z95 / (1 + Z95**2 / count) * math.sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
    print(f"{name}: top-1 {share:.1%} ({right} of {count}; {centre - half:.1%} to {centre + half:.1%})")
    for label, title in enumerate(classes if detailed else ()):
        said = found[labels == label]
        wrong = Counter(classes[answer] for answer in said if answer != label).most_common(2)
        mistakes = ", ".join(f"{other} {times}" for other, times in wrong)
        print(f"  {title:24}{(said == label).mean():6.0%}  {mistakes}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--split", default="test", choices=[split.value for split in Split])
    for option, default in {
        "train": 100,
        "test": 20,
        "epochs": 25,
        "batch": 32,
        "frames": 8,
        "size": 64,
        "threads": 2,
        "seed": 0,
    }.items():
        parser.add_argument(f"--{option}", type=int, default=default)
    return parser


if __name__ == "__main__":
    main()
