"""The search for the cheapest plan that is accurate enough.

It knows nothing of runtimes: a laboratory converts a plan, runs it on the runtime itself and says what came
out. The order of trials depends on accuracies alone, which repeat; time decides only between plans that pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dvfl_converter.quantization.layers import Group
from dvfl_converter.quantization.plan import INT8, QuantizationPlan, Scheme, changed, uniform

# Plans this close in time are equally fast; the more accurate one is taken.
SAME_TIME = 0.03


@dataclass(frozen=True)
class Trial:
    """A plan as it ran on the selection clips.

    Attributes:
        name: for people.
        plan: what was tried.
        bytes: size of the artifact; 0 if there is none.
        mean_cosine, worst_cosine, worst_clip, agreement, snr_db: logits against PyTorch's; ``agreement`` is
            the share of clips with the same best class, ``snr_db`` that of the noisiest clip.
        missed: what keeps it from passing; empty if it passes.
        time_ratio: fastest run over the fp32 artifact's fastest run, interleaved; ``None`` if not timed.
    """

    name: str
    plan: QuantizationPlan
    bytes: int
    mean_cosine: float
    worst_cosine: float
    worst_clip: str
    agreement: float
    snr_db: float
    missed: str
    time_ratio: float | None

    @property
    def passes(self) -> bool:
        """Whether it meets the selection gate."""
        return not self.missed


class Laboratory(Protocol):
    """Tries plans on the runtime; the same plan gives the same accuracy."""

    def trial(self, name: str, plan: QuantizationPlan, *, timed: bool) -> Trial: ...


@dataclass(frozen=True)
class Sensitivity:
    """What one group alone costs when it is computed by ``scheme`` and the others by the safer one."""

    group: str
    scheme: Scheme
    snr_db: float
    macs: int


@dataclass(frozen=True)
class Found:
    """All trials in order, the sensitivities, and the plan to use; ``None`` if none with int8 passes."""

    trials: tuple[Trial, ...]
    sensitivities: tuple[Sensitivity, ...]
    chosen: Trial | None


def search(target: str, groups: Sequence[Group], schemes: Sequence[Scheme], laboratory: Laboratory) -> Found:
    """Tries each scheme for all layers, then mixes the cheapest that fails with the next that passes.

    Args:
        target: for the plans.
        groups: quantised alike; the unit of mixing.
        schemes: cheapest first; the last is not int8 and needs no trial to be accurate.
        laboratory: tries plans.
    """
    paths = [layer.path for group in groups for layer in group.layers]
    trials = [
        laboratory.trial(f"all {scheme}", uniform(target, paths, scheme), timed=True)
        for scheme in schemes
        if scheme in INT8
    ]
    passed = {trial.plan.layers[paths[0]]: trial.passes for trial in trials}
    sensitivities: list[Sensitivity] = []
    for rank, cheap in enumerate(schemes[:-1]):
        if passed[cheap]:
            break
        safe = next((scheme for scheme in schemes[rank + 1 :] if passed.get(scheme)), schemes[-1])
        mixing = _Mixing(groups, cheap, uniform(target, paths, safe), laboratory)
        alone = mixing.sensitivities()
        mixed = mixing.trials(alone)
        sensitivities += alone
        trials += mixed
        if any(trial.passes for trial in mixed):
            break
    return Found(tuple(trials), tuple(sensitivities), cheapest(trials))


def cheapest(trials: Iterable[Trial]) -> Trial | None:
    """The most accurate of the fastest trials that pass and quantise something."""
    usable = [
        trial for trial in trials if trial.passes and trial.time_ratio is not None and trial.plan.quantises
    ]
    if not usable:
        return None
    fastest = min(_ratio(trial) for trial in usable)
    as_fast = [trial for trial in usable if _ratio(trial) <= fastest * (1 + SAME_TIME)]
    return max(as_fast, key=lambda trial: trial.snr_db)


def frontier(trials: Iterable[Trial]) -> list[Trial]:
    """The timed trials that no other beats in both time and signal-to-noise ratio, fastest first."""
    timed = sorted(
        (trial for trial in trials if trial.time_ratio is not None), key=lambda t: (_ratio(t), -t.snr_db)
    )
    best: list[Trial] = []
    for trial in timed:
        if not best or trial.snr_db > best[-1].snr_db:
            best.append(trial)
    return best


@dataclass(frozen=True)
class _Mixing:
    """How many groups can be computed cheaply when the others stay safe."""

    groups: Sequence[Group]
    cheap: Scheme
    safe: QuantizationPlan
    laboratory: Laboratory

    def sensitivities(self) -> list[Sensitivity]:
        """One trial per group: it alone is computed cheaply."""
        return [self._sensitivity(group) for group in self.groups]

    def trials(self, sensitivities: Sequence[Sensitivity]) -> list[Trial]:
        """Bisects for the longest row of groups, kindest first, that passes; every step is a trial.

        Kindest is the least noise per multiply-accumulate saved.
        """
        noise = {
            group.name: 10 ** (-sensitivity.snr_db / 10) / max(1, group.macs)
            for group, sensitivity in zip(self.groups, sensitivities, strict=True)
        }
        order = sorted(self.groups, key=lambda group: noise[group.name])
        tried: dict[int, Trial] = {}
        passing, failing = 0, len(order)
        while failing - passing > 1:
            count = (passing + failing) // 2
            tried[count] = self._mixed(order[:count])
            passing, failing = (count, failing) if tried[count].passes else (passing, count)
        return list(tried.values())

    def _sensitivity(self, group: Group) -> Sensitivity:
        trial = self.laboratory.trial(f"{group.name} {self.cheap}", self._plan([group]), timed=False)
        return Sensitivity(group.name, self.cheap, trial.snr_db, group.macs)

    def _mixed(self, groups: Sequence[Group]) -> Trial:
        rest = next(iter(self.safe.layers.values()))
        name = f"{len(groups)} of {len(self.groups)} groups {self.cheap}, others {rest}"
        return self.laboratory.trial(name, self._plan(groups), timed=True)

    def _plan(self, groups: Sequence[Group]) -> QuantizationPlan:
        return changed(self.safe, {layer.path: self.cheap for group in groups for layer in group.layers})


def _ratio(trial: Trial) -> float:
    assert trial.time_ratio is not None, "only timed trials are compared"
    return trial.time_ratio
