"""Numbers as the report writes them: short, and never rounded to look better than they are."""

from __future__ import annotations

import math


def scientific(value: float) -> str:
    """``1.2e-6``, rounded up: an error above its gate never reads as the gate. Zero stays ``0``."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(value))
    # Rounding off the last bits first keeps an exact 1e-4 from becoming 1.1e-4.
    tenths = math.ceil(round(value / 10.0 ** (exponent - 1), 6))
    if tenths >= 100:
        tenths, exponent = 10, exponent + 1
    return f"{tenths // 10}.{tenths % 10}e{exponent}"


def cosine(value: float) -> str:
    """Six decimals, cut off: a similarity below 1 is never shown as 1."""
    return f"{math.floor(min(value, 1.0) * 1e6) / 1e6:.6f}"


def percent(share: float) -> str:
    """``98.4 %`` of 0.984; a part that is not the whole never reads as 0 % or 100 %."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    exact = round(share * 100, 9)
    return f"{exact:.0f} %" if exact.is_integer() else f"{exact:.1f} %"


def file_size(count: int) -> str:
    """Decimal units, as file managers show them: ``22.7 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def large(count: int) -> str:
    """``22.2 million``, ``27.1 billion``."""
    for word, factor in (("billion", 10**9), ("million", 10**6), ("thousand", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {word}"
    return str(count)


def milliseconds(value: float) -> str:
    """Three digits that matter: ``3.21 ms``, ``32.1 ms``, ``321 ms``."""
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f} ms"


def enumerate_words(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, noun: str) -> str:
    """``1 clip``, ``2 clips``."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"
