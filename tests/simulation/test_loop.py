"""Whatever goes wrong on the way, the law holds, and every decision can be derived again from the logs."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.simulation import loop
from tests.simulation.loop import Check, Fault, Run

from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProposed,
    ActionSettled,
    BrakeReleased,
    BrakeSet,
    Command,
    MetaTrainingStart,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdSet,
    VerdictGiven,
)
from homeostat.events.logs import GOVERNANCE_KEY
from homeostat.testing.traces import shrink

SEEDS = (53, 76, 111, 138)
"""Worlds in which every station drifts early; and what goes wrong on the way."""

FRESH_SECONDS = 30.0
"""In every run of the tests."""

TRIES = 40
"""Runs, of some seconds each, that a failure may cost to be cut short."""

EFFECTS = (RetrainStart, RolloutSet, RolloutPromote, ThresholdSet, MetaTrainingStart)
"""Commands that a freeze must hold back."""

run = cache(loop.run)


def the_run_is_worth_looking_at(played: Run) -> None:
    """Processes died and woke, actions were approved and denied, candidates promoted or aborted, a freeze came."""
    kinds = [fault.kind for fault in played.faults]
    verdicts = {said.event.data.verdict for said in played.said(VerdictGiven)}  # type: ignore[attr-defined]  # selected
    assert sum(kind in ("crash", "torn step", "torn snapshot") for kind in kinds) >= 5
    assert kinds.count("stop") >= 3
    assert kinds.count("wake") >= 3
    assert {"approved", "denied", "held", "expired"} <= verdicts
    assert len(list(played.said(RetrainStart))) >= 2
    assert len(list(played.said(RolloutPromote, RolloutAbort))) >= 2
    assert list(played.said(BrakeSet))
    assert list(played.said(BrakeReleased))


def every_decision_is_derived_again(played: Run) -> None:
    """Byte for byte, in spite of all crashes and repeats."""
    report = played.report

    assert report.differences == ()
    assert report.n_derived == report.n_equal > 500


def nothing_is_done_without_an_approval(played: Run) -> None:
    """Every command but a person's revert names a verdict that approved its action before."""
    approved: dict[str, str] = {}

    for said in played.law:
        data = said.event.data
        if isinstance(data, VerdictGiven) and data.verdict == "approved":
            approved[said.event.identity] = data.action
        elif isinstance(data, Command) and not isinstance(data, RolloutRevert):
            assert approved[data.verdict] == data.action


def one_rollout_at_a_time_for_a_model(played: Run) -> None:
    """Between an action's approval and its end no other one that changes what the model serves is approved."""
    open_: dict[str, str] = {}

    for said in played.said(VerdictGiven, ActionSettled):
        data: Any = said.event.data
        if data.kind not in ("retrain", "rollout"):
            continue
        if getattr(data, "verdict", "") == "approved":
            assert data.model not in open_ or open_[data.model] == data.action
            if not skips(played, data.action):
                open_[data.model] = data.action
        elif getattr(data, "verdict", "expired") == "expired" and open_.get(data.model) == data.action:
            del open_[data.model]


def skips(played: Run, action: str) -> bool:
    """Whether the action is to do nothing: it ends with its approval."""
    proposals = [said.event.data for said in played.said(ActionProposed) if said.event.identity == action]
    return any(p.chosen == "skip" and not p.shadows for p in proposals if isinstance(p, ActionProposed))


def no_more_money_is_spent_or_promised_than_there_is(played: Run) -> None:
    """After every round, in every scope."""
    assert played.overdrawn == []


def a_freeze_dominates(played: Run) -> None:
    """From the brake to its release nothing is started, set or promoted in the scope; aborts and reverts pass."""
    frozen: set[str] = set()

    for said in played.law:
        data = said.event.data
        if isinstance(data, BrakeSet):
            frozen.add(data.scope)
        elif isinstance(data, BrakeReleased):
            frozen.discard(data.scope)
        elif isinstance(data, EFFECTS):
            assert not frozen & {"*", scope_of(data.family)}, said.event.identity


def every_approved_action_ends(played: Run) -> None:
    """It is applied, settled or fails, or expires; at the end nothing is in flight and nothing reserved."""
    ended = {said.event.data.action for said in played.said(ActionSettled, ActionFailed)}  # type: ignore[attr-defined]  # selected
    for said in played.said(ActionApplied, VerdictGiven):
        data: Any = said.event.data
        if getattr(data, "verdict", "") == "expired" or (isinstance(data, ActionApplied) and data.kind == "threshold"):
            ended.add(data.action)
    for said in played.said(VerdictGiven):
        data = said.event.data
        assert data.verdict != "approved" or data.action in ended or skips(played, data.action), data.action
    state: Any = played.system.loop.hosts[-1].assignments[0].states[GOVERNANCE_KEY]
    assert state.flight.actions == {}
    assert all(budget.reserved == pytest.approx(0.0, abs=1e-9) for budget in state.budgets.by_scope.values())


LAWS: tuple[Check, ...] = (
    every_decision_is_derived_again,
    nothing_is_done_without_an_approval,
    one_rollout_at_a_time_for_a_model,
    no_more_money_is_spent_or_promised_than_there_is,
    a_freeze_dominates,
    every_approved_action_ends,
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", [the_run_is_worth_looking_at, *LAWS], ids=lambda law: law.__name__)
def test_the_law_holds(law: Check, seed: int) -> None:
    """In worlds in which much happens; see each law."""
    law(run(seed))


def broken_law(seed: int, only: frozenset[Fault] | None = None) -> str:
    """Play a world, and name the law that it breaks, if it does, or what was raised."""
    try:
        played = loop.run(seed, only)
    except Exception as error:
        return f"it ends with {error!r}"
    for law in LAWS:
        try:
            law(played)
        except AssertionError as error:
            return f"{law.__name__}: {error}"
    return ""


@pytest.mark.timeout(600)
def test_the_law_holds_in_fresh_worlds(first_seed: int, say: Callable[[str], None]) -> None:
    """Other worlds and faults in every run; of a failure the faults are said that it needs."""
    deadline, n, broken = time.monotonic() + FRESH_SECONDS, 0, ""
    while time.monotonic() < deadline and not broken:
        broken = broken_law(first_seed + n)
        n += 1

    say(f"{n} fresh worlds from {first_seed}; again: pytest tests/simulation/test_loop.py -k fresh --seed {first_seed}")
    assert not broken, explain(first_seed + n - 1, broken)
    assert n > 1


def explain(seed: int, broken: str) -> str:
    """Cut the faults of a run short, and say what is left."""
    faults = loop.run(seed).faults if not broken.startswith("it ends") else []
    law = broken.partition(":")[0]
    needed = shrink(faults, lambda fewer: broken_law(seed, frozenset(fewer)).startswith(law), TRIES)
    return f"seed {seed}: {broken}" + "".join(f"\n  {fault}" for fault in needed)
