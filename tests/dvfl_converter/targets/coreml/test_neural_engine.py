"""Each rule finds what it is about, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder
from mil_programs import program_of
from operator_cases import normal

from dvfl_converter.targets.coreml.neural_engine import RULES, findings

mb = Builder
X = normal(1, 4, 6, 6).astype(np.float16)


def convolved(x, dilation: int = 1):
    weight = normal(4, 4, 2, 2).astype(np.float16)
    return mb.conv(x=x, weight=weight, dilations=[dilation, dilation], name="made")


# lstm and custom_layer cannot be evaluated here, and are looked for by name alone.
BROKEN = {
    "float32": lambda x: mb.relu(x=mb.cast(x=x, dtype="fp32"), name="made"),
    "gather": lambda x: mb.gather(x=x, indices=[0, 2], axis=1, name="made"),
    "dilated convolution": lambda x: convolved(x, dilation=2),
    "last axis of one": lambda x: mb.reduce_mean(x=x, axes=[3], keep_dims=True, name="made"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found_at_its_operation(rule):
    found = findings(program_of(BROKEN[rule], {"x": X}))
    assert [(one.rule.name, one.name) for one in found] == [(rule, "made")]


def test_a_plain_fp16_program_breaks_no_rule():
    assert findings(program_of(convolved, {"x": X})) == ()


def test_every_rule_says_who_says_so():
    assert {rule.source.partition("/")[0] for rule in RULES} == {"https:"}
    apples = ("https://apple.github.io/", "https://machinelearning.apple.com/")
    assert all(rule.official == rule.source.startswith(apples) for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
