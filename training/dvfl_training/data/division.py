"""Choosing groups of clips by a seeded hash, class by class: the same choice on every machine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class Unit:
    """The class and the group of a clip."""

    label: int
    group: str


def chosen_groups(clips: Sequence[Unit], share: float, seed: int, purpose: str) -> frozenset[str]:
    """Groups that hold ``share`` of the groups of each class, rounded, and at least one where there are two.

    Groups are taken in the order of the sha256 of ``purpose``, seed and name, so clips that are added later
    move few others. A group of several classes counts for each. No class loses its last group. A share of 0
    chooses nothing.
    """
    if share <= 0:
        return frozenset()
    groups = _groups_by_class(clips)
    labels: defaultdict[str, set[int]] = defaultdict(set)
    for clip in clips:
        labels[clip.group].add(clip.label)
    taken: Counter[int] = Counter()
    chosen: set[str] = set()
    for label in sorted(groups):
        wanted = max(1, round(share * len(groups[label])))
        for name in _shuffled(groups[label], seed, purpose):
            if taken[label] >= wanted:
                break
            if name not in chosen and all(len(groups[other]) - taken[other] > 1 for other in labels[name]):
                chosen.add(name)
                taken.update(labels[name])
    return frozenset(chosen)


def _groups_by_class(clips: Iterable[Unit]) -> dict[int, set[str]]:
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for clip in clips:
        groups[clip.label].add(clip.group)
    return groups


def _shuffled(names: Iterable[str], seed: int, purpose: str) -> list[str]:
    return sorted(names, key=lambda name: sha256(f"{purpose}:{seed}:{name}".encode()).digest())
