"""The rows of MAML's speed: that they are made; how fast is for the benchmark."""

from typing import Any

import pytest

from homeostat_lab.bench import learning_maml
from homeostat_lab.bench.learning_maml import maml
from homeostat_lab.bench.meta_training_speed import Way, sinusoid_problem, sinusoids, tasks_per_second


def test_every_engine_stands_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler the compiled rows say so; the others have a figure, a reference and a ratio."""

    def made_up(way: Way, *_: Any, seconds: float) -> float:
        return 10.0 if way == "loop" else 200.0

    monkeypatch.setattr(learning_maml, "compiler_at_hand", lambda: False)
    monkeypatch.setattr(learning_maml, "tasks_per_second", made_up)

    rows = list(maml(runs=2))

    measured = [row for row in rows if row.reference_value is not None]
    missing = [row for row in rows if row.value is None]
    assert len(missing) == 4
    assert all("compiled" in row.name and row.reference == "no C++ compiler" for row in missing)
    assert [row.ratio for row in measured] == [20.0] * 8
    assert {row.unit for row in rows} == {"tasks/s"}


@pytest.mark.parametrize("way", ["loop", "stacked"])
def test_whole_steps_are_timed(way: Way) -> None:
    """A figure above 0."""
    assert tasks_per_second(way, sinusoid_problem("fomaml"), sinusoids(2, 5), seconds=1e-6) > 0
