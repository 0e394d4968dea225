"""What each artifact is made of, against a golden list: a change that costs operators or bytes shows here.

``DVFL_UPDATE_GOLDENS=1 pytest tests/dvfl_converter/targets/test_operator_goldens.py`` writes the list anew
from the artifacts as they are; look at what it changed before committing it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dvfl.bundle import Bundle
from dvfl.manifest import Artifact

GOLDEN = Path(__file__).with_name("operator_goldens.json")
BYTES_TOLERANCE = 0.02
NAMES = [
    *(
        f"converted {name}"
        for name in ("executorch-fp32", "coreml-fp16", "litert-fp32", "litert-fp16", "litert-int8")
    ),
    *(f"calibrated {name}" for name in ("executorch-int8", "coreml-int8", "litert-int8")),
]


def composition(artifact: Artifact) -> dict[str, Any]:
    """Delegate calls, size, and the count of each operator by where it runs."""
    counts: dict[str, Counter[str]] = {}
    for use in artifact.operators.operators:
        counts.setdefault(use.placement, Counter())[use.operator] += use.count
    return {
        "delegate_calls": artifact.operators.delegate_calls,
        "bytes": artifact.bytes,
        "operators": {place: dict(sorted(names.items())) for place, names in sorted(counts.items())},
    }


@pytest.fixture(scope="module")
def compositions(converted: Bundle, calibrated: Bundle) -> dict[str, Any]:
    """Every artifact of the shared bundles, by bundle and name."""
    bundles = {"converted": converted, "calibrated": calibrated}
    found = {
        f"{name} {artifact.name}": composition(artifact)
        for name, bundle in bundles.items()
        for artifact in bundle.manifest.artifacts
    }
    if os.environ.get("DVFL_UPDATE_GOLDENS"):
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    return found


def differences(found: dict[str, Any], golden: dict[str, Any]) -> list[str]:
    """One line per operator whose number or place changed, and about delegate calls and size."""
    lines = []
    if found["delegate_calls"] != golden["delegate_calls"]:
        lines.append(f"delegate calls: {found['delegate_calls']}, were {golden['delegate_calls']}")
    for place in sorted({*found["operators"], *golden["operators"]}):
        now, then = (side["operators"].get(place, {}) for side in (found, golden))
        lines += [
            f"{name} on {place}: {now.get(name, 0)}, were {then.get(name, 0)}"
            for name in sorted({*now, *then})
            if now.get(name) != then.get(name)
        ]
    if abs(found["bytes"] / golden["bytes"] - 1) > BYTES_TOLERANCE:
        lines.append(f"bytes: {found['bytes']:,}, were {golden['bytes']:,}")
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_is_made_of_what_it_was(name, compositions):
    assert differences(compositions[name], json.loads(GOLDEN.read_text())[name]) == []


@pytest.mark.slow
def test_no_artifact_is_missing_from_the_list(compositions):
    assert set(compositions) == set(NAMES) == set(json.loads(GOLDEN.read_text()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"delegate_calls": 2}, ["delegate calls: 2, were 1"]),
        ({"bytes": 1031}, ["bytes: 1,031, were 1,000"]),
        (
            {"operators": {"delegate": {"aten.mul": 3}, "portable": {"aten.gelu": 1}}},
            ["aten.gelu on delegate: 0, were 1", "aten.gelu on portable: 1, were 0"],
        ),
    ],
)
def test_a_change_is_told_by_name(change, said):
    golden = {"delegate_calls": 1, "bytes": 1000, "operators": {"delegate": {"aten.mul": 3, "aten.gelu": 1}}}
    assert differences(golden | change, golden) == said
    assert differences(golden | {"bytes": 1010}, golden) == []
