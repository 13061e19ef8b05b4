"""Why nothing is being done about a model: the first thing in the loop that stands still, and all that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.client.logs import Logs, Place
from homeostat.core.identity import scope_of
from homeostat.events import DriftDetected, RetrainProposed, VerdictGiven
from homeostat_tools.cli.blindness import IS_BLIND, why_blind
from homeostat_tools.cli.contracts import contract_line
from homeostat_tools.cli.evidence import Known, gather
from homeostat_tools.cli.exit_codes import not_found
from homeostat_tools.cli.in_force import in_force
from homeostat_tools.cli.indicators import clocks, newest_indicators, unannounced, untracked
from homeostat_tools.cli.label_lag import label_lag
from homeostat_tools.cli.label_troubles import unjoined
from homeostat_tools.cli.one_line import summary
from homeostat_tools.cli.times import clock
from homeostat_tools.cli.troubles import (
    Trouble,
    all_refused,
    denied,
    failed_hand,
    failing,
    unsigned_deployment,
    without_family,
)

_N_VERDICTS: Final = 3
_LAGGING: Final = 100
"""Records behind which a service is worth naming."""


@dataclass(slots=True)
class Answer:
    """Why.

    Args:
        model: The model.
        because: One sentence: the first thing that stands still.
        todo: What to do about it; empty where nothing is to be done.
        facts: What is known, by name, for people.
        lag: Records each service has still to read.
    """

    model: str
    because: str
    todo: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)


def explain(logs: Logs, model: str) -> Answer:
    """Follow the loop from the drift to the settlement and say where it stands.

    Raises:
        CommandFailed: The model is not registered.
    """
    known = gather(logs, model)
    if known.registered is None:
        raise not_found(
            f"{model} is not registered: publish model.registered first; `homeostat quarantine list --model {model}` "
            "shows what was refused"
        )
    scope = scope_of(model)
    law, lag = in_force(logs), lag_of(logs.committed(), logs)
    freeze = law.freeze_of(model)
    newest = newest_indicators(logs, model)
    blind = why_blind(newest)
    answer = Answer(
        model,
        *_because(known, model, freeze, lag, blind, unjoined(logs, known, model), is_watched=IS_BLIND in newest),
        _facts(known),
        lag,
    )
    if blind:
        answer.facts["blind"] = blind
    answer.facts["contract"] = contract_line(known.registered)
    if stranger := unannounced(newest):
        answer.facts["versions"] = stranger
    answer.facts["label lag"] = label_lag(newest, known.registered)
    if without_threshold := untracked(newest):
        answer.facts["signals"] = without_threshold
    if rising := clocks(newest):
        answer.facts["clocks"] = rising
    answer.facts["freeze"] = f"of {freeze} by {law.freezes[freeze]}; homeostat unfreeze {freeze}" if freeze else "none"
    budget = law.budgets.get(scope) or law.budgets.get("*")
    left = _money_left(known)
    per = f"{budget.money:g} per {budget.period_ms / 3_600_000:g} h in {budget.scope}" if budget else "the default"
    answer.facts["budget"] = per + (f"; {left:g} left at the last verdict" if left is not None else "")
    answer.facts["lag"] = ", ".join(f"{name} {n}" for name, n in lag.items()) or "no service has committed anything"
    return answer


def _open_action(known: Known) -> tuple[str, str] | None:
    """The action that is under way, with its last verdict; a denied or expired one is not, nor one that starts none."""
    for action in reversed(known.proposals):
        proposal: Any = known.proposals[action].data
        verdict: Any = known.verdicts[action].data if action in known.verdicts else None
        is_open = action not in known.settled and (verdict is None or verdict.verdict in ("approved", "held"))
        if is_open and not proposal.is_idle:
            return action, verdict.verdict if verdict else "not decided yet"
    return None


def _stated_skip(known: Known) -> str:
    """Why nothing is done, if that is what was said last since the drift."""
    asked: list[Any] = [event for event in known.proposals.values() if getattr(event.data, "kind", "") == "retrain"]
    if not asked or known.drift is None or asked[-1].time < known.drift.time or not asked[-1].data.is_idle:
        return ""
    return str(asked[-1].data.reason)


def _under_way(known: Known, action: str, verdict: str) -> Trouble:
    """What an action waits for."""
    data: Any = known.proposals[action].data if action in known.proposals else None
    if verdict == "held":
        return f"an action is under way (held): {action}", f"`homeostat approve {action}` or `homeostat deny` decides"
    at = ""
    rollout = known.applied[action].rollout if action in known.applied else None
    if rollout is not None and rollout.canary is not None:
        plan = rollout.plan
        at = (
            f"; {rollout.canary} answers {rollout.weight:.0%}, step {rollout.step + 1} of {len(plan.steps)}, and waits "
            f"for {plan.soak_labels} labelled rows that both versions answered"
        ) + (f" and {plan.soak_seconds:g} s" if plan.soak_seconds else "")
    elif rollout is not None:
        at = f"; its outcome is measured over {rollout.plan.horizon_labels} labelled rows"
    elif isinstance(data, RetrainProposed):
        n = len(known.trained.get(action, ()))
        at = f"; {n} of {len(data.trained_arms)} arms have reported"
    return f"an action is under way ({verdict}): {action}{at}", ""


def _because(
    known: Known,
    model: str,
    freeze: str | None,
    lag: Mapping[str, int],
    blind: str,
    lost: Trouble | None,
    *,
    is_watched: bool,
) -> Trouble:
    """The first thing that stands still, and what to do."""
    if (action := _open_action(known)) is not None:
        return _under_way(known, *action)
    if freeze is not None:
        return "it is frozen" if "/" in freeze else "its scope is frozen", f"homeostat unfreeze {freeze}"
    if known.drift is None:
        return _without_drift(known, model, lag, blind, lost, is_watched=is_watched)
    if known.cleared is not None:
        return "the last drift is over", ""
    moved = known.drift.data
    if isinstance(moved, DriftDetected) and moved.is_operational:
        return f"only {', '.join(moved.features)} moved: no training changes that", "look at what serves it"
    first = without_family(known) or failed_hand(known) or unsigned_deployment(known) or denied(known)
    if first is not None or lost is not None:
        return first or lost or ("", "")
    said = _stated_skip(known)
    if said and known.profile is not None and known.profile.is_overdue:
        return said, ""
    n, wait = known.profile.labels_since_onset if known.profile else 0, known.wait_labels
    if wait is not None and n < wait:
        return f"it waits for labels: {n} of {wait} since the onset of the drift", ""
    if said:
        return said, ""
    if any(event.time >= known.drift.time for event in known.settled.values()):
        return "the last action is settled; the level check will look again", ""
    return "a drift is open and nothing was proposed for it yet", ""


def _without_drift(
    known: Known, model: str, lag: Mapping[str, int], blind: str, lost: Trouble | None, *, is_watched: bool
) -> Trouble:
    if (refused := all_refused(known, model) or lost) is not None:
        return refused
    lacking = without_family(known)
    todo = f"before one is: {lacking[1]}" if lacking is not None else ""
    behind = [name for name, n in lag.items() if n > _LAGGING]
    if blind:
        return f"no drift was detected, and its detector is blind: {blind}", todo
    if behind:
        return f"no drift was seen yet, and {', '.join(behind)} lags", todo
    if not known.has_rows and not is_watched:
        return "none of its rows has come lately, so nothing is looked at", f"publish samples.observed under {model}"
    return "no drift was detected", todo


def _facts(known: Known) -> dict[str, str]:
    assert known.registered is not None
    facts = {"family": known.family, "tier": known.registered.tier}
    if known.drift is not None:
        facts["drift"] = f"{clock(known.drift.time)} {summary(known.drift.data)}"
    if known.cleared is not None:
        facts["cleared"] = f"{clock(known.cleared.time)} {summary(known.cleared.data)}"
    if known.profile is not None:
        wanted = "nobody has said how many are" if known.wait_labels is None else str(known.wait_labels)
        facts["labels"] = f"{known.profile.labels_since_onset} since the onset, {wanted} wanted"
    if known.unapproved is not None:
        facts["deployment"] = (
            f"{known.unapproved.version} in the place of {known.unapproved.replaced}: nobody approved it"
        )
    if known.n_refused:
        facts["refused"] = f"{sum(known.n_refused.values())} of its records, the last with {known.refused}"
    for n, event in enumerate(list(known.verdicts.values())[-_N_VERDICTS:], 1):
        assert isinstance(event.data, VerdictGiven)
        said = "; ".join(failing(rule, event.time) for rule in event.data.rules if not rule.passed)
        facts[f"verdict {n}"] = f"{clock(event.time)} {event.data.verdict} {event.data.kind} {said}".rstrip()
    return facts


def _money_left(known: Known) -> float | None:
    for event in reversed(known.verdicts.values()):
        assert isinstance(event.data, VerdictGiven)
        for rule in event.data.rules:
            if rule.rule == "money" and isinstance(rule.limit, int | float):
                return float(rule.limit)
    return None


def lag_of(committed: Mapping[str, Mapping[Place, int]], logs: Logs) -> dict[str, int]:
    """Return by how many records each service is behind.

    Args:
        committed: Offsets by consumer group.
        logs: Whose ends they are compared with.
    """
    topics = sorted({topic for offsets in committed.values() for topic, _ in offsets if topic.startswith("homeostat.")})
    ends = logs.ranges(topics)
    return {
        group: sum(max(0, ends[place][1] - offset) for place, offset in offsets.items() if place in ends)
        for group, offsets in committed.items()
    }
