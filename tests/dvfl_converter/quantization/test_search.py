"""The search for the cheapest plan that is accurate enough, in a laboratory whose physics is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from dvfl_converter.quantization.layers import Group, Layer
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.quantization.search import Trial, cheapest, frontier, search

GATE_DB = 25.0
COST = {"static": 0.25, "dynamic": 0.4, "fp32": 1.0, "fp16": 1.0}


def group(name: str, macs: int = 100) -> Group:
    return Group(name, None, (Layer(f"{name}.a", name, 8, macs, 64), Layer(f"{name}.b", name, 8, macs, 64)))


GROUPS = [group("temporal", 800), group("mlp", 800), group("modulation", 600), group("downsampling", 50)]


@dataclass
class KnownNoise:
    """Noise powers add up, times are those of the schemes: what a runtime does, without its noise."""

    noise: dict[tuple[str, str], float]
    tried: list[str] = field(default_factory=list)
    timed: list[bool] = field(default_factory=list)

    def trial(self, name: str, plan: QuantizationPlan, *, timed: bool) -> Trial:
        self.tried.append(name)
        self.timed.append(timed)
        noise, macs, cost = 1e-9, 0, 0.0
        for item in GROUPS:
            scheme = plan.layers[item.layers[0].path]
            noise += self.noise.get((item.name, scheme), 0.0)
            macs += item.macs
            cost += COST[scheme] * item.macs
        snr = -10 * math.log10(noise)
        missed = "" if snr >= GATE_DB else "too noisy"
        return Trial(name, plan, 1000, 1.0, 1.0, "c", 1.0, snr, missed, cost / macs if timed else None)


def noise_of(db: float) -> float:
    return 10 ** (-db / 10)


SCHEMES = ("static", "dynamic", "fp32")


class TestSearch:
    def test_the_cheapest_scheme_that_passes_everywhere_is_taken_without_mixing(self):
        laboratory = KnownNoise({("temporal", "static"): noise_of(40)})
        found = search("litert", GROUPS, SCHEMES, laboratory)
        assert laboratory.tried == ["all static", "all dynamic"]
        assert set(found.chosen.plan.layers.values()) == {"static"}
        assert found.sensitivities == ()

    def test_only_the_group_that_spoils_it_stays_safe(self):
        laboratory = KnownNoise({("downsampling", "static"): noise_of(15), ("mlp", "static"): noise_of(40)})
        found = search("litert", GROUPS, SCHEMES, laboratory)
        plan = found.chosen.plan.layers
        assert plan["downsampling.a"] == plan["downsampling.b"] == "dynamic"
        assert {how for path, how in plan.items() if not path.startswith("downsampling")} == {"static"}

    def test_where_no_int8_passes_everywhere_the_rest_stays_as_it_is(self):
        spoiled = {("modulation", scheme): noise_of(10) for scheme in ("static", "dynamic")}
        found = search("litert", GROUPS, SCHEMES, KnownNoise(spoiled))
        plan = found.chosen.plan.layers
        assert plan["modulation.a"] == "fp32"
        assert plan["temporal.a"] == plan["mlp.a"] == plan["downsampling.a"] == "static"

    def test_the_next_scheme_is_mixed_when_the_cheapest_passes_nowhere(self):
        spoiled = {(item.name, "static"): noise_of(10) for item in GROUPS}
        spoiled[("mlp", "dynamic")] = noise_of(10)
        found = search("litert", GROUPS, SCHEMES, KnownNoise(spoiled))
        plan = found.chosen.plan.layers
        assert plan["mlp.a"] == "fp32"
        assert plan["temporal.a"] == "dynamic"

    def test_without_a_plan_that_passes_nothing_is_chosen(self):
        spoiled = {(item.name, how): noise_of(10) for item in GROUPS for how in ("static", "dynamic")}
        found = search("litert", GROUPS, SCHEMES, KnownNoise(spoiled))
        assert found.chosen is None
        assert all(trial.missed for trial in found.trials)

    def test_a_sensitivity_is_the_group_alone_and_is_not_timed(self):
        noise = {("downsampling", "static"): noise_of(15), ("mlp", "static"): noise_of(40)}
        laboratory = KnownNoise(noise)
        found = search("litert", GROUPS, SCHEMES, laboratory)
        alone = {item.group: item.snr_db for item in found.sensitivities}
        assert alone["downsampling"] == pytest.approx(15, abs=0.01)
        assert alone["mlp"] == pytest.approx(40, abs=0.01)
        assert alone["temporal"] == pytest.approx(90, abs=0.1)
        assert laboratory.timed.count(False) == len(GROUPS)

    def test_it_bisects_instead_of_trying_every_number_of_groups(self):
        laboratory = KnownNoise({("downsampling", "static"): noise_of(15)})
        search("litert", GROUPS, SCHEMES, laboratory)
        mixed = [name for name in laboratory.tried if "of 4 groups" in name]
        assert mixed == ["2 of 4 groups static, others dynamic", "3 of 4 groups static, others dynamic"]

    def test_it_does_the_same_every_time(self):
        noise = {(item.name, "static"): noise_of(20 + 3 * place) for place, item in enumerate(GROUPS)}
        first, second = KnownNoise(dict(noise)), KnownNoise(dict(noise))
        assert search("litert", GROUPS, SCHEMES, first) == search("litert", GROUPS, SCHEMES, second)
        assert first.tried == second.tried

    def test_without_calibration_static_is_never_tried(self):
        laboratory = KnownNoise({("mlp", "dynamic"): noise_of(10)})
        found = search("litert", GROUPS, ("dynamic", "fp16"), laboratory)
        assert found.chosen.plan.layers["mlp.a"] == "fp16"
        assert all("static" not in name for name in laboratory.tried)


def trial(name: str, time: float | None, snr: float, missed: str = "", scheme: str = "static") -> Trial:
    plan = QuantizationPlan(target="litert", layers={"a": scheme})
    return Trial(name, plan, 1, 1.0, 1.0, "c", 1.0, snr, missed, time)


class TestChoice:
    def test_of_plans_equally_fast_the_more_accurate_is_taken(self):
        assert cheapest([trial("fast", 0.500, 26), trial("good", 0.514, 40)]).name == "good"
        assert cheapest([trial("fast", 0.500, 26), trial("slow", 0.516, 40)]).name == "fast"

    def test_a_plan_that_misses_or_was_not_timed_or_quantises_nothing_is_none(self):
        assert cheapest([trial("missed", 0.1, 50, "why"), trial("untimed", None, 50)]) is None
        assert cheapest([trial("fp32", 0.9, 90, scheme="fp32")]) is None

    def test_the_frontier_leaves_out_what_another_beats_in_both(self):
        trials = [trial("a", 0.3, 20), trial("b", 0.4, 15), trial("c", 0.5, 30), trial("d", None, 90)]
        assert [item.name for item in frontier(trials)] == ["a", "c"]
