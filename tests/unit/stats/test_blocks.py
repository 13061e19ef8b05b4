"""Blocks of a column with a memory grow until their means have none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.codec import decode_state, encode_state
from homeostat.stats.blocks import BlockTest
from homeostat.stats.page_hinkley import ZPageHinkley


def _ar(rng: np.random.Generator, n: int, d: int, phi: float) -> np.ndarray:
    noise, values = rng.normal(size=(n, d)), np.empty((n, d))
    last = noise[0] / math.sqrt(1.0 - phi * phi)
    for row in range(n):
        values[row] = last = phi * last + noise[row]
    return values


def _start(d: int) -> BlockTest:
    return BlockTest.start(d, reference=12, delta=1.0, threshold=10.0, z_limit=6.0)


def test_white_columns_are_tested_bucket_by_bucket() -> None:
    """After 24 buckets the test has seen what it would have seen without blocks."""
    rng = np.random.default_rng(1)
    x, blocks = rng.normal(size=(60, 3)), _start(3)
    plain = ZPageHinkley.start(3, reference=12, delta=1.0, threshold=10.0, z_limit=6.0)

    for row in x:
        blocks.update(row)
        plain.update(row)

    assert blocks.size.tolist() == [1.0, 1.0, 1.0]
    assert blocks.test.up.tolist() == plain.up.tolist()
    assert blocks.test.mean.tolist() == plain.mean.tolist()


def test_a_memory_makes_fewer_false_alarms_than_without_blocks() -> None:
    """Twenty columns whose bucket means have an autocorrelation of .6 over 2,000 buckets: a fifth of them at most."""
    x, blocks = _ar(np.random.default_rng(2), 2000, 20, 0.6), _start(20)
    plain = ZPageHinkley.start(20, reference=12, delta=1.0, threshold=10.0, z_limit=6.0)

    alarms = sum(int(blocks.update(row)[0].sum()) for row in x)
    alarms_without = sum(int(plain.update(row)[0].sum()) for row in x)

    assert (blocks.size > 1.0).sum() >= 15
    assert alarms_without >= 10
    assert alarms <= alarms_without / 5.0


def test_a_shift_of_a_column_with_a_memory_is_found() -> None:
    """Of three deviations, within 60 buckets, in nine of ten columns."""
    x, blocks, found = _ar(np.random.default_rng(3), 560, 10, 0.6), _start(10), np.zeros(10, np.bool_)
    x[500:] += 3.0 * 1.25

    for row, values in enumerate(x):
        fired = blocks.update(values)[0]
        found |= fired & (row >= 500)

    assert found.sum() >= 9


def test_blocks_are_bounded() -> None:
    """A column that only climbs is tested in the end: blocks of 64 buckets, and no more than 24 means kept."""
    blocks, most = _start(1), 0
    for row in range(64 * 24):
        blocks.update(np.array([float(row)]))
        most = max(most, len(blocks.learned[0]))

    assert blocks.size[0] == 64.0
    assert blocks.is_tested.all()
    assert most < 24


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(0, 59), seed=st.integers(0, 3))
def test_a_snapshot_changes_nothing(cut: int, seed: int) -> None:
    """Missing values included."""
    x = _ar(np.random.default_rng(seed), 60, 3, 0.7)
    x[::7, 1] = np.nan
    once, twice = _start(3), _start(3)

    for row, values in enumerate(x):
        if row == cut:
            twice = decode_state(encode_state(twice), BlockTest)
        assert [part.tolist() for part in once.update(values)] == [part.tolist() for part in twice.update(values)]

    assert encode_state(once) == encode_state(twice)


def test_settings_are_those_of_the_test() -> None:
    """Outside their range they are refused."""
    with pytest.raises(ValueError, match="must hold"):
        BlockTest.start(1, reference=1, delta=1.0, threshold=10.0, z_limit=6.0)
