"""fp16: every value there is, and rounding of everything else, as NumPy does it."""

from __future__ import annotations

import numpy as np
import pytest

from dvfl_converter.targets.coreml.interpreter.halves import rounded_to_half, widened

EVERY_HALF = np.arange(65536, dtype=np.uint16).view(np.float16)


def same(found, wanted):
    return found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=True)


def test_every_half_is_widened_exactly():
    assert same(widened(EVERY_HALF), EVERY_HALF.astype(np.float32))


def test_every_half_comes_back():
    assert same(rounded_to_half(EVERY_HALF.astype(np.float32)), EVERY_HALF)


def test_the_middle_between_two_halves_goes_to_the_even_one():
    halves = EVERY_HALF[:0x7C00].astype(np.float32)
    middles = np.append((halves[:-1] + halves[1:]) / 2, np.float32(65520))
    with np.errstate(over="ignore"):
        assert same(rounded_to_half(middles), middles.astype(np.float16))
    assert rounded_to_half(middles)[-1] == np.inf


def test_any_other_number_is_rounded_alike():
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << 32, 1_000_000, dtype=np.uint64).astype(np.uint32)
    values = bits.view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        assert same(rounded_to_half(values), values.astype(np.float16))


@pytest.mark.parametrize("size", [1, 8192])
def test_any_layout_is_taken_and_none_is_changed(size):
    values = np.arange(size * 6, dtype=np.float32).reshape(size, 2, 3) / 7
    frozen = values.copy()
    frozen.flags.writeable = False
    for given in (values.T, values[::-1], values[:, ::2], np.broadcast_to(values[:1], values.shape), frozen):
        before = given.copy()
        assert same(rounded_to_half(given), given.astype(np.float16))
        assert same(widened(given.astype(np.float16)), given.astype(np.float16).astype(np.float32))
        assert np.array_equal(given, before)


def test_what_is_no_half_is_not_widened():
    values = np.arange(3)
    assert widened(values) is values
