"""Recorded decisions beside those under other law or settings: what changes, and what that would have been worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.core import Event, Fold, Reject
from homeostat.events import ActionProposed
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.runtime.replay import replay
from homeostat_tools.backtest.off_policy import SKIP, Logged, OffPolicy, evaluate
from homeostat_tools.backtest.refolding import Refolded, Verdict
from homeostat_tools.cli.rendering import event_of
from homeostat_tools.value.decisions import Decision

_NOT_KNOWN: Final = float("nan")
_UNDONE: Final = ("aborted", "reverted")


@dataclass(frozen=True, slots=True)
class Change:
    """One decision that would have been another.

    Args:
        action: Its id.
        time: Broker time of the proposal, ms.
        kind: Of the action.
        subject: `scope/model`, or `scope/family`.
        before: As recorded.
        after: Under the other law or settings.
        why: Of the failing rules on either side, or of the arms.
        payoff: Measured, of what was carried out; None where nothing was, or nobody measured it.
        predicted: What was expected of it.
        money: Spent on it, or asked for.
        was_undone: It was rolled back.
    """

    action: str
    time: int
    kind: str
    subject: str
    before: str
    after: str
    why: str
    payoff: float | None
    predicted: float
    money: float
    was_undone: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All decisions.

    Args:
        n: Decisions that were compared.
        changes: Those that would have been others.
        value: Of the other side less that of the record, per changed decision.
        money: Spent more, or less if it is negative.
        n_undone_less: Rollbacks that would not have been needed.
    """

    n: int
    changes: Sequence[Change]
    value: OffPolicy
    money: float
    n_undone_less: int


def compare_verdicts(
    refolded: Refolded, recorded: Mapping[str, Verdict], decisions: Sequence[Decision], since: int = 0
) -> Comparison:
    """Compare what the governor said with what it would have said.

    Args:
        refolded: Under the other law.
        recorded: As it was.
        decisions: Whose payoffs may be known.
        since: Broker time, ms: earlier proposals are left out.
    """
    known = {decision.id: decision for decision in decisions}
    changes, logged, n = [], [], 0
    for action, event in refolded.proposals.items():
        before, after = recorded.get(action), refolded.verdicts.get(action)
        if event.time < since or before is None or after is None:
            continue
        n += 1
        if before.word == after.word:
            continue
        decision = known.get(action)
        changes.append(_change(action, event, before, after, decision))
        if decision is not None:
            logged.append(_logged(decision, before.word == "approved", _propensities(decision, after.word)))
    return _comparison(n, changes, logged)


def compare_proposals(proposals: Mapping[tuple[str, ...], Any], decisions: Sequence[Decision]) -> Comparison:
    """Compare what the learner proposed with what it would have proposed at the same inputs.

    Args:
        proposals: Payload by input, model and kind, see `proposals_of`.
        decisions: As recorded.
    """
    changes, logged, n = [], [], 0
    for decision in decisions:
        other = proposals.get(_key_of(decision.event))
        if other is None or decision.proposal.kind != "retrain":
            continue
        n += 1
        is_approved = decision.verdict == "approved"
        chances = {arm.name: arm.propensity for arm in other.arms} if is_approved else {SKIP: 1.0}
        logged.append(_logged(decision, is_approved, chances))
        if other.chosen != decision.proposal.chosen:
            why = f"propensity of {decision.proposal.chosen}: {_chance(decision.proposal)} → {_chance(other, decision)}"
            changes.append(_of_arms(decision, other.chosen, why))
    return _comparison(n, changes, logged)


def proposals_of(learner: Fold[Any], logs: Logs) -> dict[tuple[str, ...], Any]:
    """Fold experience anew; return what is proposed, by input, model and kind.

    Args:
        learner: With other settings.
        logs: Where experience lies, from its first record on.
    """
    found: dict[tuple[str, ...], Any] = {}
    for partition in range(logs.n_partitions(EXPERIENCE)):
        for output in replay(learner, logs.read([EXPERIENCE], partition=partition), logs.n_partitions):
            if output.topic != GOVERNANCE:
                continue
            try:
                record = Record(output.topic, "", output.partition, 0, 0, output.key, output.value, output.headers)
                event = event_of(record)
            except Reject:
                continue
            if isinstance(event.data, ActionProposed):
                found[_key_of(event)] = event.data
    return found


def _key_of(event: Event) -> tuple[str, ...]:
    """Source of a proposal, offset of the input that it answers, model and kind: the ordinal may be another."""
    data: Any = event.data
    return event.source, event.id.partition(".")[0], data.model or "", data.kind


def _comparison(n: int, changes: Sequence[Change], logged: Sequence[Logged]) -> Comparison:
    did = [change for change in changes if change.before == "approved"]
    would = [change for change in changes if change.after == "approved"]
    money = sum(change.money for change in would) - sum(change.money for change in did)
    return Comparison(n, changes, evaluate(logged), money, sum(change.was_undone for change in did))


def _change(action: str, event: Event, before: Verdict, after: Verdict, decision: Decision | None) -> Change:
    data: Any = event.data
    arm = next((one for one in data.arms if one.name == data.chosen), None)
    payoff = None if decision is None else _payoff(decision)
    return Change(
        action,
        event.time,
        data.kind,
        data.subject,
        before.word,
        after.word,
        after.failing or f"before: {before.failing}",
        None if payoff is None or payoff != payoff else payoff,
        arm.predicted_gain if arm is not None else 0.0,
        (decision.money if decision is not None else 0.0) or data.money,
        decision is not None and decision.state in _UNDONE,
    )


def _of_arms(decision: Decision, chosen: str, why: str) -> Change:
    payoff, proposal = _payoff(decision), decision.proposal
    arm = next((one for one in proposal.arms if one.name == proposal.chosen), None)
    return Change(
        decision.id,
        decision.event.time,
        proposal.kind,
        proposal.subject,
        proposal.chosen,
        chosen,
        why,
        None if payoff != payoff else payoff,
        arm.predicted_gain if arm is not None else 0.0,
        decision.money,
        decision.state in _UNDONE,
    )


def _propensities(decision: Decision, word: str) -> dict[str, float]:
    """Propensity of each arm to be carried out: as drawn where the rules let it pass, else nothing is done."""
    arms = {arm.name: arm.propensity for arm in decision.proposal.arms if arm.propensity > 0.0}
    return arms or {decision.proposal.chosen: 1.0} if word == "approved" else {SKIP: 1.0}


def _logged(decision: Decision, is_approved: bool, other: Mapping[str, float]) -> Logged:
    proposal = decision.proposal
    executed = proposal.chosen if is_approved else SKIP
    predicted = {arm.name: arm.predicted_gain for arm in proposal.arms} | {SKIP: 0.0}
    payoff = _payoff(decision) if executed != SKIP else 0.0
    return Logged(executed, payoff, _propensities(decision, "approved" if is_approved else ""), other, predicted)


def _payoff(decision: Decision) -> float:
    """What the chosen arm paid per labelled row, as measured."""
    evaluated, outcome = decision.evaluated.get(decision.proposal.chosen), decision.outcome
    if decision.promoted_at and outcome is not None and outcome.n_labels:
        return outcome.gain
    return evaluated.payoff if evaluated is not None and evaluated.n_labels else _NOT_KNOWN


def _chance(proposal: Any, of: Decision | None = None) -> str:
    name = proposal.chosen if of is None else of.proposal.chosen
    return f"{next((arm.propensity for arm in proposal.arms if arm.name == name), 0.0):.2f}"
