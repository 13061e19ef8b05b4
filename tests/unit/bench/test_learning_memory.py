"""The rows of memory: what a part keeps, and what its process took at most."""

import pytest

from homeostat_lab.bench import learning_memory
from homeostat_lab.bench.learning_memory import of_part, peak_bytes


def test_what_was_taken_counts_after_it_was_given_back() -> None:
    """The peak grows with a block of 64 MB, and stays."""
    before = peak_bytes()
    block = bytearray(64_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block

    assert peak_bytes() >= before
    assert peak_bytes() >= 64_000_000


def test_folds_have_a_state_and_meta_training_has_none() -> None:
    """A detector of one model keeps less than 1 MB, a learner of a family less than 10 MB."""
    peaks, states = zip(*(of_part(part, 10) for part in ("nothing", "detector", "decisions", "tasks")), strict=True)

    assert states[0] == states[3] == 0
    assert 0 < states[1] < 1_000_000
    assert 0 < states[2] < 10_000_000
    assert list(peaks) == sorted(peaks)


def test_parts_stand_beside_a_process_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a state has a row for it."""
    made_up = {"nothing": (50_000_000, 0), "detector": (100_000_000, 700), "decisions": (75_000_000, 900)}
    monkeypatch.setattr(learning_memory, "alone", lambda part, _: made_up.get(part, (500_000_000, 0)))

    rows = list(learning_memory.memory(5))

    assert [row.value for row in rows] == [100.0, 700.0, 75.0, 900.0, 500.0]
    assert [row.ratio for row in rows] == [2.0, None, 1.5, None, 10.0]


def test_a_part_works_in_a_process_of_its_own() -> None:
    """Whose memory is its own."""
    peak, state = learning_memory.alone("nothing", 0)

    assert peak > 10_000_000
    assert state == 0
