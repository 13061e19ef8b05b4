"""Every fold of Homeostat, on the recorded history of its log, does what every fold must do."""

from functools import cache, partial
from pathlib import Path

import pytest
from tests.support.histories import history_of, n_partitions

from homeostat.codec import Output, Record
from homeostat.events.logs import QUARANTINE
from homeostat.runtime.replay import replay
from homeostat.testing.conformance import CHECKS, Check
from homeostat.testing.simulator import Simulator
from homeostat.testing.traces import plan
from homeostat.testing.trial import MakeFold
from homeostat_tools.cli.folds import fold_of
from homeostat_tools.local_stack.services import inputs

FOLDS = inputs()

HISTORIES = Path(__file__).parents[1] / "replay" / "histories"
MAKERS: dict[str, MakeFold] = {name: partial(fold_of, name) for name in FOLDS}


@cache
def history(fold: str) -> dict[int, list[Record]]:
    """The recorded log of a fold, by partition."""
    return history_of(MAKERS[fold](), HISTORIES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("fold", FOLDS)
def test_a_fold_conforms(fold: str, check: Check) -> None:
    """On every partition of the recorded history; the check says what is wrong."""
    for _, records in sorted(history(fold).items()):
        check(MAKERS[fold], records)


@pytest.mark.parametrize("fold", FOLDS)
def test_a_history_reaches_the_fold(fold: str) -> None:
    """The checks see something: every fold emits, and the doors and the law also refuse."""
    outputs = [
        output for _, records in history(fold).items() for output in replay(MAKERS[fold](), records, n_partitions)
    ]

    refused = sum(output.topic == QUARANTINE for output in outputs)
    assert len(outputs) - refused >= 5
    assert refused or not (MAKERS[fold]().is_door or fold == "governor")


@pytest.mark.parametrize("fold", FOLDS)
def test_no_fault_changes_what_readers_see(fold: str) -> None:
    """Crashes at every point, torn snapshots, zombies and repeats, seeded, on the start of the recorded history."""
    longest = max(history(fold).values(), key=len)
    inputs = [Output(r.topic, 0, r.key or b"", r.value, r.headers) for r in longest[:150]]

    outcomes = [Simulator(MAKERS[fold], inputs, plan(seed)).run() for seed in range(3)]

    assert all(outcome.is_exact for outcome in outcomes)
