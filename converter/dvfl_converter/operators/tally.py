"""Counting operators by where they run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dvfl.manifest import OperatorReport, OperatorUse, Placement

_ORDER: dict[Placement, int] = {"unsupported": 0, "portable": 1, "native": 2, "delegate": 3}


@dataclass(frozen=True)
class PlacedOperator:
    """One operator instance: its name, where it runs and why, its work and its source line."""

    operator: str
    placement: Placement
    where: str
    reason: str
    macs: int = 0
    source: str | None = None


def tally(operators: Iterable[PlacedOperator], delegate: str | None, delegate_calls: int) -> OperatorReport:
    """Groups operator instances, worst first; those not where they run best stay apart by source line."""
    best: Placement = "delegate" if delegate else "native"
    groups: dict[tuple[str, Placement, str, str, str | None], list[int]] = defaultdict(list)
    for op in operators:
        source = None if op.placement == best else op.source
        groups[op.operator, op.placement, op.where, op.reason, source].append(op.macs)
    total = sum(map(sum, groups.values())) or 1
    uses = [
        OperatorUse(
            operator=operator,
            placement=placement,
            where=where,
            reason=reason,
            source=source,
            count=len(macs),
            macs=sum(macs),
            macs_share=sum(macs) / total,
        )
        for (operator, placement, where, reason, source), macs in groups.items()
    ]
    uses.sort(key=lambda use: (_ORDER[use.placement], -use.macs, use.operator, use.source or ""))
    return OperatorReport(delegate=delegate, delegate_calls=delegate_calls, operators=tuple(uses))
