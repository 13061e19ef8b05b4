"""From a trial's tallies to payoffs, an outcome and a settlement."""

from typing import Final, Literal

from homeostat.core import Emit, Identity
from homeostat.core.identity import scope_of
from homeostat.events import ActionFailed, ActionSettled, CandidateEvaluated, OutcomeMeasured, OutcomeRevised
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.services.outcome_evaluator.accounts import Account
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import State, Tally, Trial
from homeostat.services.outcome_evaluator.worth import reward_of

Verdict = Literal["gain", "cost", "regression", "inconclusive"]

NO_ARM: Final = "none"
"""Arm of an action of which no candidate came about."""


def verdict_of(low: float, high: float, cost: float, *, changed: bool) -> Verdict:
    """Name an outcome by its interval: gain pays for its cost, cost does not, regression harms.

    Args:
        low: Lower end of the gain's interval.
        high: Upper end.
        cost: In the same units.
        changed: Whether anything serves that did not before.
    """
    if not changed:
        return "cost" if cost > 0 else "inconclusive"
    if low > cost:
        return "gain"
    if high < 0:
        return "regression"
    return "cost" if high < cost else "inconclusive"


def payoffs(trial: Trial, account: Account, model: str, hourly_value: float) -> tuple[Emit, ...]:
    """Say what every arm was worth, from all rows of the trial: no arm's rows depend on what was decided."""
    emits = []
    for version, tally in sorted(trial.tallies.items()):
        if not tally.n:
            continue
        money = next((item.money for item in account.items if item.arm == tally.arm), 0.0)
        evaluated = CandidateEvaluated(
            action=trial.action,
            model=model,
            arm=tally.arm,
            version=version,
            payoff=tally.mean,
            standard_error=tally.standard_error,
            n_labels=tally.n,
            was_canary=version == trial.canary,
            seconds=tally.seconds,
            money=money,
            currency=trial.currency,
            latency_change=tally.latency_change,
            reward=reward_of(tally.mean, tally.latency_change, money, trial.weights, hourly_value, trial.currency),
            sources=tuple(sorted(trial.sources)),
            signers=_signers(trial),
        )
        emits.append(Emit(EXPERIENCE, evaluated, trial.family, trial.story))
    return tuple(emits)


def outcome_of(
    trial: Trial, account: Account, model: str, state: State, settings: EvaluatorSettings, *, is_final: bool
) -> OutcomeMeasured:
    """Say what an action did, as far as is known."""
    ended = trial.ended or "expired"
    is_changed = ended == "promoted"
    after = trial.after if is_changed else Tally(trial.chosen, 0.0)
    serving = trial.tallies.get(trial.canary or "") if is_changed else None
    gain, error = (after.mean, after.standard_error) if is_changed else (0.0, 0.0)
    latency_change = serving.latency_change if serving else None
    cost = 0.0 if trial.chosen == "skip" else trial.plan.price
    low, high = gain - settings.z * error, gain + settings.z * error
    verdict = verdict_of(low, high, cost, changed=is_changed)
    indicators = state.production.changes(trial.change) if is_changed else ()
    named = [i for i in indicators if i.name == trial.weights.indicator]
    business = next((i.after - i.before for i in sorted(named, key=lambda i: i.layer != "business")), None)
    reward = reward_of(gain, latency_change, account.money, trial.weights, state.hourly_value, trial.currency, business)
    is_thin = is_changed and after.n < settings.verdict_labels
    return OutcomeMeasured(
        action=trial.action,
        kind=trial.kind,
        model=model,
        arm=trial.chosen,
        state="failed" if _could_not_be_trained(trial) else ended,
        verdict="inconclusive" if is_thin else verdict,
        gain=gain,
        gain_low=low,
        gain_high=high,
        cost=cost,
        n_labels=after.n if is_changed else trial.n_labels,
        exposed=trial.exposed if ended == "aborted" else 0,
        reason=_reason(trial, after.n, settings),
        money=account.money,
        currency=trial.currency,
        is_billed=account.is_billed,
        items=tuple(account.items),
        latency_change=latency_change,
        reward=reward,
        indicators=indicators,
        is_final=is_final,
    )


def _could_not_be_trained(trial: Trial) -> bool:
    return trial.ended == "skipped" and trial.chosen != "skip"


def _reason(trial: Trial, n: int, settings: EvaluatorSettings) -> str:
    """Say what the verdict rests on; whatever else changed meanwhile has hit both versions of a pair alike."""
    match trial.ended:
        case "promoted" if not n:
            return "no row labelled since the promotion was answered by both versions: nothing can be attributed"
        case "promoted" if n < settings.verdict_labels:
            return f"only {n} rows labelled since the promotion were answered by both versions"
        case "promoted":
            return f"{n} rows labelled since the promotion, answered by the new version and by the old champion"
        case "aborted":
            return "the candidate does not serve: nothing was gained"
        case "skipped" if _could_not_be_trained(trial):
            return f"{trial.chosen} could not be trained: nothing was rolled out"
        case "skipped":
            return "nothing was rolled out"
        case _:
            return "it was ended before its horizon"


def _signers(trial: Trial) -> dict[str, str]:
    """Public key by source, of those that signed all their rows; none where rows may be anybody's."""
    return {} if trial.n_unnamed else {source: key for source, key in sorted(trial.sources.items()) if key}


def settlement(outcome: OutcomeMeasured, story: Identity) -> Emit:
    """Say to the governor that an action is over, and what it has cost; said again when a bill changes that.

    Of a chosen arm that could not be trained it hears `skipped`: a rollout without a canary is over, no training.
    """
    is_untrained = outcome.state == "failed" and outcome.arm != NO_ARM
    settled = ActionSettled(
        action=outcome.action,
        kind=outcome.kind,
        model=outcome.model,
        state="skipped" if is_untrained else outcome.state,
        cost=outcome.money if outcome.items or outcome.is_billed else None,
        gain=outcome.gain,
        is_final=outcome.is_final,
    )
    return Emit(GOVERNANCE, settled, scope_of(outcome.model), story)


def revised(outcome: OutcomeMeasured, family: str, story: Identity) -> Emit:
    """Say an outcome again."""
    return Emit(EXPERIENCE, OutcomeRevised(**dict(outcome)), family, story)


def rebilled(account: Account) -> OutcomeMeasured | None:
    """Return an outcome with the money of today, if it was said and the money has changed."""
    outcome, items = account.outcome, tuple(account.items)
    if outcome is None or (outcome.money, outcome.is_billed, outcome.items) == (
        account.money,
        account.is_billed,
        items,
    ):
        return None
    reward = outcome.reward
    if reward is not None:
        cost = -account.weights.cost * account.money
        reward = reward.model_copy(update={"cost": cost, "total": reward.quality + reward.latency + cost})
    money = {"money": account.money, "is_billed": account.is_billed, "items": items}
    return outcome.model_copy(update=money | {"reward": reward})


def failed_outcome(data: ActionFailed, account: Account, model: str) -> OutcomeMeasured:
    """A retrain without any candidate is over too, and has cost what its arms took."""
    return OutcomeMeasured(
        action=data.action,
        kind="retrain",
        model=model,
        arm=NO_ARM,
        state="failed",
        verdict="inconclusive",
        gain=0.0,
        gain_low=0.0,
        gain_high=0.0,
        cost=0.0,
        n_labels=0,
        reason=f"no arm could be trained: {data.reason}",
        money=account.money,
        currency=account.currency,
        is_billed=account.is_billed,
        items=tuple(account.items),
    )
