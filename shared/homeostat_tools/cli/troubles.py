"""What has gone wrong with a model, one sentence each, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, RuleResult, VerdictGiven
from homeostat_tools.cli.evidence import Known, is_passing
from homeostat_tools.cli.times import clock

Trouble = tuple[str, str]
"""A sentence, and what to do."""

_UNTIL: Final[Mapping[str, str]] = {
    "rate": "until the oldest of them leaves the window",
    "money": "until the budget's period is over, or `homeostat budget` gives more",
    "slots": "until a training ends",
    "concurrency": "until an action ends",
    "one_at_a_time": "until that one ends",
    "blast_radius": "until a rollout ends",
    "freeze": "until `homeostat unfreeze`",
    "observe": "until `homeostat act`",
    "applied_by": "until the law names that hand",
    "approval": "until somebody asks again",
}
"""When a rule lets it pass, by its name."""

_NAMED: Final = 3
"""Families that are named."""

_MENDS: Final = (
    ("captured input", "publish `inputs` with the rows, and `captured`, which rows they are of"),
    ("weights to start from", "store the champion's weights and register the model again with `artifact`, or give the "
     "family an arm with `initial_weights` = `random`"),
    ("timed_out", "raise arm_timeout_seconds in homeostat.toml, then `homeostat apply`"),
    ("not finished within", "raise arm_timeout_seconds in homeostat.toml, then `homeostat apply`"),
    ("expired", "raise action_ttl_ms in homeostat.toml, then `homeostat apply`"),
    ("braked", "see who holds the brake: `homeostat tail --type freeze.set.v1`, or a brake file of the machine"),
    ("not its token", "let the server and the rollout actuator read one token: HOMEOSTAT_ROLLOUT_ACTUATOR_TOKEN_FILE; "
     "`homeostat check` tries it"),
    ("is it running", "start the server of the model, or set HOMEOSTAT_ROLLOUT_ACTUATOR_URL to its address; "
     "`homeostat check` tries it"),
    ("not_found", "start the server of this model where HOMEOSTAT_ROLLOUT_ACTUATOR_URL says, or set that to it"),
    ("artifact_un", "let the server's `load` read what the recipe saves, from the store that the retrain actuator has"),
    ("recipe", "name the recipe under [recipes] of homeostat.toml, then `homeostat apply`, or in "
     "HOMEOSTAT_RETRAIN_ACTUATOR_RECIPES; or another one in family.registered"),
)  # fmt: skip
"""What helps, by what a hand's reason or words contain; the first that fits."""


def all_refused(known: Known, model: str) -> Trouble | None:
    """Nothing of it comes in."""
    if not known.n_refused or known.has_rows:
        return None
    reasons = ", ".join(f"{n} times {reason}" for reason, n in sorted(known.n_refused.items()))
    return (
        f"all of its rows are refused ({reasons}), the last with {known.refused}",
        _mend_of_refusal(known) + f"; `homeostat quarantine list --model {model}` shows them",
    )


def without_family(known: Known) -> Trouble | None:
    """Nobody has said what may be done."""
    if known.wait_labels is not None:
        return None
    if known.families:
        there = ", ".join(known.families[:_NAMED])
        return (
            f"no retrain without arms: nobody has registered any for {known.family}; there is {there}",
            f"register the model with the `family` that is meant, or arms for it: homeostat publish family.registered "
            f"{known.family}, or [families] of homeostat.toml and homeostat apply",
        )
    return (
        f"no retrain without arms: nobody has registered any for {known.family}",
        f'homeostat publish family.registered {known.family} \'{{"arms": [{{"name": …}}], "baseline": …}}\'',
    )


def unsigned_deployment(known: Known) -> Trouble | None:
    """What serves is not what the governor goes by, and it was told to take signed words only."""
    said = known.unapproved
    if said is None or said.is_counted:
        return None
    return (
        f"{said.version} serves, which nobody approved or announced with a key: the books say {said.replaced}",
        f"announce it signed (deployment.observed), or `homeostat revert {said.model}`",
    )


def failed_hand(known: Known) -> Trouble | None:
    """The last thing that was begun since the drift could not be done.

    What was denied since for the time being hides nothing: it waits because of that.
    """
    for action, verdict in known.newest():
        if verdict.kind == "threshold" or (verdict.verdict == "denied" and is_passing(verdict)):
            continue
        if _is_skip(known, action):
            continue
        if verdict.verdict == "denied" or not _is_of_drift(known, action):
            return None
        why = next((rule for rule in verdict.rules if rule.rule == "hand" and not rule.passed), None)
        if why is not None:
            return _failure(known, action, verdict, str(why.value), why.reason)
        return _untrained(known, action, verdict) if action in known.settled else None
    return None


def denied(known: Known) -> Trouble | None:
    """The rules, or a person, said no."""
    action = next(reversed(known.verdicts), None)
    if action is None or known.open_drift is None:
        return None
    event = known.verdicts[action]
    verdict = event.data
    if not isinstance(verdict, VerdictGiven) or verdict.verdict != "denied":
        return None
    said = "; ".join(failing(rule, event.time) for rule in verdict.rules if not rule.passed)
    if is_passing(verdict):
        is_observing = any(rule.rule == "observe" and not rule.passed for rule in verdict.rules)
        mend = f"`homeostat act {scope_of(verdict.family)}` lets it be carried out" if is_observing else ""
        return f"the last proposal was denied: {said}; it is asked again", mend
    return f"the last proposal was denied: {said}", f"`homeostat story {action}` shows what it rests on"


def failing(rule: RuleResult, at: int) -> str:
    """What a rule looked at, its limit, its reason, and until when; `at` is the time of the verdict, ms."""
    nearest = f" (would pass at {rule.nearest})" if rule.nearest is not None else ""
    until = _UNTIL.get(rule.rule, "")
    if rule.rule == "cooldown" and isinstance(rule.value, int) and isinstance(rule.limit, int):
        until = f"until {clock(at + rule.limit - rule.value)}"
    return f"{rule.rule}: {rule.value} against {rule.limit}, {rule.reason}{nearest}" + (f", {until}" if until else "")


def _failure(known: Known, action: str, verdict: VerdictGiven, reason: str, detail: str) -> Trouble:
    words = detail if detail.startswith(reason) else f"{reason}: {detail}" if detail else reason
    return f"the last {verdict.kind} failed: {words}", _mend(known, action, f"{detail} {reason}")


def _untrained(known: Known, action: str, verdict: VerdictGiven) -> Trouble | None:
    """It is over, and its chosen arm was never there to be rolled out."""
    proposal = known.proposals[action].data if action in known.proposals else None
    chosen = proposal.chosen if isinstance(proposal, ActionProposed) else ""
    report = next((each for each in known.trained.get(action, ()) if each.arm == chosen and each.error), None)
    if report is None:
        return None
    words = f"the last {verdict.kind} came to nothing: {chosen} could not be trained: {report.error}"
    return words, _mend(known, action, report.error)


def _mend(known: Known, action: str, words: str) -> str:
    found = next((mend for sign, mend in _MENDS if sign in words), "")
    if "captured input" in words and known.registered is not None and not known.registered.input_width:
        found = f"register the model again with `input_width`, and {found}"
    return (f"{found}; " if found else "") + f"`homeostat story {action}` shows what happened"


def _mend_of_refusal(known: Known) -> str:
    if "inputs_invalid" in known.n_refused and known.registered is not None and not known.registered.input_width:
        return "register the model again with `input_width`: the numbers of one captured input"
    if "feature_unknown" in known.n_refused:
        return "register the model again with all the features that its rows have"
    return "publish what its registration says, or register it again as it is"


def _is_skip(known: Known, action: str) -> bool:
    event = known.proposals.get(action)
    return event is not None and isinstance(event.data, ActionProposed) and event.data.is_idle


def _is_of_drift(known: Known, action: str) -> bool:
    """Whether it was proposed since the drift was told first: it is told again for as long as it lasts."""
    event = known.proposals.get(action)
    return known.open_drift is not None and event is not None and event.time >= known.told_at
