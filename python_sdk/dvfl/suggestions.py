"""Did-you-mean for names that a person types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, value: str, choices: Iterable[str]) -> str:
    """``unknown KIND 'VALUE'; did you mean 'X'? choices: ...``, one line."""
    names = list(choices)
    # The least similarity is low because names are short: two slips in six letters still count.
    close = difflib.get_close_matches(value.lower(), names, n=1, cutoff=0.5)
    guess = f" did you mean '{close[0]}'?" if close else ""
    return f"unknown {kind} '{value}';{guess} choices: {', '.join(names) or 'none'}"
