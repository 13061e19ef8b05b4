"""From an analysis to what its action did."""

from homeostat.events import ActionFailed, OutcomeMeasured
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.cost.ledger import Balance
from homeostat.services.outcome_evaluator.outcome_events import NO_ARM
from homeostat.services.outcome_evaluator.production import Production, business_change
from homeostat.services.outcome_evaluator.reward import reward_of
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.verdict import reason_of, verdict_of


def outcome_of(
    analysis: CanaryAnalysis,
    spent: Balance,
    model: str,
    production: Production,
    settings: EvaluatorSettings,
    *,
    is_final: bool,
) -> OutcomeMeasured:
    """Return what an action did, as far as is known.

    Args:
        analysis: Of its candidates; not modified.
        spent: What it cost.
        model: `scope/model`.
        production: What its service did when the canary was promoted.
        settings: Width of intervals, rows below which there is no verdict.
        is_final: Nothing more is measured.
    """
    ended = analysis.ended or "expired"
    plan, weights, currency = analysis.plan, analysis.reward_weights, analysis.currency
    cost = 0.0 if analysis.chosen == "skip" else plan.price
    n, gain, error, latency_change = analysis.n_labels, 0.0, 0.0, None
    if ended == "promoted":
        _, _, _, n, gain, error, _ = analysis.payoffs.after.estimate("")
        serving = analysis.payoffs.by_version.get(analysis.canary or "")
        latency_change = serving.estimate("").latency_change if serving is not None else None
    indicators = production.changes(analysis.serving_change) if ended == "promoted" else ()
    business = business_change(indicators, weights.indicator)
    reward = reward_of(gain, latency_change, spent.money, weights, production.hourly_value, currency, business)
    low, high = gain - settings.z * error, gain + settings.z * error
    is_thin = ended == "promoted" and n < settings.verdict_labels
    is_untrained = analysis.ended == "skipped" and analysis.chosen != "skip"
    return OutcomeMeasured(
        action=analysis.action,
        kind=analysis.kind,
        model=model,
        arm=analysis.chosen,
        state="failed" if is_untrained else ended,
        verdict="inconclusive" if is_thin else verdict_of(low, high, cost, changed=ended == "promoted"),
        gain=gain,
        gain_low=low,
        gain_high=high,
        cost=cost,
        n_labels=n,
        exposed=analysis.exposed if ended == "aborted" else 0,
        reason=reason_of(analysis, n, settings),
        money=spent.money,
        currency=currency,
        is_billed=spent.is_billed,
        items=spent.items,
        latency_change=latency_change,
        reward=reward,
        indicators=indicators,
        is_final=is_final,
    )


def failed_outcome(data: ActionFailed, spent: Balance, currency: str, model: str) -> OutcomeMeasured:
    """Return the outcome of a retrain without any candidate: it is over too, and has cost what its arms took.

    Args:
        data: The report.
        spent: What the arms took.
        currency: Of it.
        model: `scope/model`.
    """
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
        money=spent.money,
        currency=currency,
        is_billed=spent.is_billed,
        items=spent.items,
    )
