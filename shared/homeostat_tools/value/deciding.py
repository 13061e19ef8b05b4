"""Decisions of Homeostat as actions with a value: measured where the logs say so, else estimated, else unknown."""

from collections.abc import Sequence
from math import isfinite
from typing import Final

from homeostat.events import CandidateEvaluated, OutcomeMeasured
from homeostat_tools.cli.times import iso
from homeostat_tools.value.actions import Action, Basis
from homeostat_tools.value.decisions import Decision, why_of
from homeostat_tools.value.intervals import Estimate
from homeostat_tools.value.playing import LEAST_WINDOW, Training, value_action
from homeostat_tools.value.prices import Prices
from homeostat_tools.value.recipe import Fitted
from homeostat_tools.value.rows import ModelRows, unplayable
from homeostat_tools.value.simulating import RECORDED, Simulated

POLICY: Final = "homeostat"
AS_IT_RAN: Final = "recorded"
"""Policy of what a live system did."""

HORIZON: Final = 1000
"""Rows over which something that was not done is valued."""

_Z: Final = 1.96


def action_of(decision: Decision, prices: Prices) -> Action:
    """Say what the logs say of a decision; its gain is what was measured, or unknown.

    Args:
        decision: One.
        prices: What trainings cost where the logs do not say it.
    """
    proposal, state = decision.proposal, decision.state
    n = sum(one.version is not None for one in decision.trained.values())
    action = Action(
        AS_IT_RAN,
        decision.event.time / 1000.0,
        why_of(decision),
        f"{proposal.kind}: {proposal.chosen}" + (f" ({proposal.reason})" if proposal.chosen == "skip" else ""),
        decision.verdict,
        decision.failing,
        state,
        served=bool(decision.promoted_at),
        n_trained=n,
        cost=decision.money or n * prices.per_training,
        expected=_expected(decision),
        trace=_trace(decision),
        commands=(f"homeostat story {decision.id}", f"homeostat why {proposal.model}"),
    )
    action.gain, action.basis = _measured(decision)
    return action


def simulated_actions(
    rows: ModelRows, simulated: Simulated, decisions: Sequence[Decision], training: Training, prices: Prices
) -> list[Action]:
    """Value every decision of a simulation on the rows that followed, those too that did not serve.

    Args:
        rows: What was recorded.
        simulated: The simulation.
        decisions: All of it.
        training: What stands in for what was never trained.
        prices: Of trainings.
    """
    changes = [(0, RECORDED), *simulated.promotions]
    actions = []
    for decision in decisions:
        action = action_of(decision, prices)
        action.policy, action.commands = POLICY, ()  # the logs of a simulation are gone with it
        row = next((at for at, version in changes if version == decision.version), -1)
        if row > 0:
            place = changes.index((row, decision.version))
            until = changes[place + 1][0] if place + 1 < len(changes) else rows.n
            action.row, action.served = row, True
            before = simulated.model(changes[place - 1][1])
            value_action(rows, action, before, simulated.model(decision.version), until)
        else:
            action.served = False
            seconds = (decision.first_served_at or decision.event.time) / 1000.0
            action.row = rows.first_row_after(seconds)
            serving = [version for at, version in changes if at <= action.row][-1]
            following = next((at for at, _ in changes if at > action.row), rows.n)
            after = _not_served(rows, simulated, decision, training, seconds)
            _value_undone(rows, action, simulated.model(serving), after, min(following, action.row + HORIZON))
        if 0 <= action.row < rows.n:
            action.trace["row"] = rows.place[action.row]
        actions.append(action)
    return actions


def recorded_action(rows: ModelRows, decision: Decision, training: Training, prices: Prices) -> Action:
    """Value a decision of a live system: as measured, or else what a stand-in would have gained over what served.

    Args:
        rows: What was recorded of its model.
        decision: One.
        training: The stand-in.
        prices: Of trainings.
    """
    action = action_of(decision, prices)
    seconds = decision.event.time / 1000.0
    action.row = rows.first_row_after(seconds)
    if 0 <= action.row < rows.n:
        action.trace["row"] = rows.place[action.row]
    if action.basis == "measured" or action.served or unplayable(rows) or action.row >= rows.n:
        return action
    known = rows.known_at(seconds)
    after = training.fit(rows, known) if len(known) >= LEAST_WINDOW else None
    _value_undone(rows, action, None, after, min(rows.n, action.row + HORIZON))
    return action


def _value_undone(rows: ModelRows, action: Action, before: Fitted | None, after: Fitted | None, until: int) -> None:
    """Estimate what would have been gained if what was proposed, or skipped, had served."""
    if after is None or action.row >= rows.n:
        why = "too few labels were known to train a stand-in" if after is None else "no row follows it"
        action.gain = Estimate(0.0, 0.0, 0.0, 0, unknown=why)
        return
    value_action(rows, action, before, after, until)


def _not_served(
    rows: ModelRows, simulated: Simulated, decision: Decision, training: Training, seconds: float
) -> Fitted | None:
    """What was trained and did not come to serve; of what was never trained, the stand-in on the newest window."""
    if decision.version in simulated.digests:
        return simulated.model(decision.version)
    known = rows.known_at(seconds)
    return training.fit(rows, known) if len(known) >= LEAST_WINDOW else None


def _measured(decision: Decision) -> tuple[Estimate, Basis]:
    outcome, payoff = decision.outcome, decision.evaluated.get(decision.proposal.chosen)
    if decision.promoted_at and outcome is not None and outcome.n_labels:
        return _of_outcome(outcome), "measured"
    if not decision.promoted_at and payoff is not None and payoff.n_labels and isfinite(payoff.payoff):
        return _of_payoff(payoff), "measured"
    reason = outcome.reason if outcome is not None and outcome.reason else "no outcome was measured"
    return Estimate(0.0, 0.0, 0.0, 0, unknown=reason), "none"


def _of_outcome(outcome: OutcomeMeasured) -> Estimate:
    """Its interval is of 90 %: what was published is shown as it was."""
    return Estimate(outcome.gain, outcome.gain_low, outcome.gain_high, outcome.n_labels)


def _of_payoff(payoff: CandidateEvaluated) -> Estimate:
    half = _Z * payoff.standard_error
    return Estimate(payoff.payoff, payoff.payoff - half, payoff.payoff + half, payoff.n_labels)


def _expected(decision: Decision) -> str:
    arm = next((one for one in decision.proposal.arms if one.name == decision.proposal.chosen), None)
    if arm is None or decision.proposal.chosen == "skip":
        return ""
    return f"{arm.predicted_gain:+.4f} [{arm.gain_low:.4f}, {arm.gain_high:.4f}], drawn with p = {arm.propensity:.2f}"


def _trace(decision: Decision) -> dict[str, str]:
    at = decision.event.position
    trace = {
        "action": decision.id,
        "proposed": f"{at.topic}[{at.partition}] {at.offset} at {iso(decision.event.time)}",
    }
    if decision.drift is not None:
        place = decision.drift.position
        trace["drift"] = f"{decision.drift.identity} at {place.topic}[{place.partition}] {place.offset}"
    if decision.verdicts:
        place = decision.verdicts[0].position
        trace["verdict"] = f"{place.topic}[{place.partition}] {place.offset}"
    if decision.promoted_at:
        trace["promoted"] = iso(decision.promoted_at)
    window = decision.proposal.window
    if window is not None:
        trace["data window"] = f"{window.source}#{window.first} to #{window.last}, {window.rows} labelled rows"
    return trace
