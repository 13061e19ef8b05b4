"""The whole loop in memory: adaptation goes on until the level is back, at whatever pace the labels come."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.e2e.served import Served, serving

from homeostat.events import ActionProposed, FreezeLifted, FreezeSet, RulesSet
from homeostat.events.logs import EXPERIENCE, REQUESTS, VERDICTS

FAST_MS, SLOW_MS = 10, 3_600_000
"""Ten labels in ten milliseconds, and ten an hour."""

COOLDOWN_MS = RulesSet().cooldown_ms
SEED = 2
"""Of the world in which two canaries are promoted; in one of five, by chance, the second leaves the test undecided."""


def before_it_turns(served: Served) -> float:
    """Install, serve 600 rows, let the world change; return the share that was right before."""
    served.install()
    served.play(60)
    served.world.is_turned = True
    return float(np.mean(served.right))


def accuracy(served: Served, n: int = 60) -> float:
    """Of the newest events."""
    return float(np.mean(served.right[-n:]))


def verdicts(served: Served, *said: str) -> list[Any]:
    """On retrains."""
    found = served.said(VERDICTS, "verdict.given")
    return [one for one in found if one.kind == "retrain" and one.verdict in said]


def asked(served: Served) -> dict[str, ActionProposed]:
    """Retrains that were proposed, skips too, by action."""
    return {action: one for action, one in served.proposals().items() if one.kind == "retrain"}


def rows(served: Served) -> list[int]:
    """Labelled rows in the window of each retrain that was approved; a skip learns from none."""
    proposals = asked(served)
    approved = [proposals[one.action] for one in verdicts(served, "approved")]
    return [one.window.rows for one in approved if one.window is not None and one.chosen != "skip"]


@pytest.mark.parametrize("step_ms", [FAST_MS, 1_000, SLOW_MS])
def test_adaptation_goes_on_until_the_level_is_back(step_ms: int) -> None:
    """80 rows are not enough; at whatever pace, others follow with at least twice the rows, and none is swallowed.

    In a fast stream the cooldown lasts longer than all of its labels: what it postpones is done when it is over.
    """
    with serving(step_ms, SEED) as served:
        before = before_it_turns(served)
        served.play(300)
        at_first = accuracy(served)
        served.system.loop.advance(COOLDOWN_MS)
        served.play(300)

        outcomes = [one for one in served.said(EXPERIENCE, "outcome.measured") if one.kind == "retrain"]
        denials = verdicts(served, "denied")

        assert sum(one.state == "promoted" for one in outcomes) >= 2
        assert rows(served)[0] < 100
        assert all(later >= 2 * earlier for earlier, later in pairwise(rows(served)))
        assert accuracy(served) >= before - 0.04
        assert {rule.rule for one in denials for rule in one.rules if not rule.passed} <= {"cooldown"}
        assert len(denials) < len(rows(served))
        assert step_ms > FAST_MS or (at_first < before - 0.06 and len(denials) == 1)


def test_a_freeze_postpones_what_is_proposed_in_it() -> None:
    """After the freeze it is proposed again, though no label has come since."""
    with serving(1_000) as served:
        before_it_turns(served)
        served.system.publish(REQUESTS, "*", FreezeSet(scope="plant", reason="night"))
        served.play(60)
        n_denied, n_approved = len(verdicts(served, "denied")), len(verdicts(served, "approved"))
        served.system.publish(REQUESTS, "*", FreezeLifted(scope="plant"))
        served.system.settle(0, 0)
        served.system.loop.advance(3_600_000)

        assert (n_denied > 0, n_approved) == (True, 0)
        assert len(verdicts(served, "approved")) == 1
        served.play(60)
        assert accuracy(served, 30) > 0.8


def test_what_more_labels_do_not_mend_is_said() -> None:
    """A world that became harder for good: a bounded number of questions, the last of which says that it is that."""
    with serving(SLOW_MS) as served:
        before = before_it_turns(served)
        served.world.noise = 1.7
        served.play(1100)
        proposals = list(asked(served).values())
        n_labels = [one.window.rows for one in proposals if one.window is not None]

        assert any(one.state == "promoted" for one in served.said(EXPERIENCE, "outcome.measured"))
        assert accuracy(served) < before - 0.06
        assert len(proposals) <= 10
        assert max(n_labels) > 9_000
        assert "the last look" in proposals[-1].reason
        assert all(one.reason for one in proposals)
