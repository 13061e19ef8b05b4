"""The verdict function of a canary: pure, and blind to who acts on it."""

from typing import Literal

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import CanaryJudged
from homeostat.events.logs import GOVERNANCE
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.stats.portable import INV_LN2, log

Judgement = Literal["abort", "promote", "continue", "inconclusive"]


def assess(analysis: CanaryAnalysis, settings: EvaluatorSettings, now: int = 0) -> Judgement | None:
    """Say what the evidence allows now, or None to wait.

    What is guaranteed: a canary whose mean error, given all that went before, is never above the champion's is aborted
    with chance <= alpha, however often one looks; one that is never below is judged better ever with chance <= alpha.
    It holds for errors of 0 and 1 (there: P(canary wrong | they differ) <= 1/2) and for those of a regressor, which are
    bounded by 1 too, alike.

    abort: E(worse) >= 1/alpha after any pair, at once. Everything else waits for the step's soak, in labels and in
    time: a fault that heals makes what was trained on it look better for as long as it lasts. Then promote:
    E(better) >= 1/alpha *now*. A crossing earlier in the soak is as valid a test, but of what was before: evidence that
    has gone since is not acted on. continue: the evidence leans to better. inconclusive: the label limit is reached
    first.

    Args:
        analysis: Of a canary; not modified.
        settings: With alpha, and what leaning to better is.
        now: Broker time, ms.
    """
    test, plan = analysis.test, analysis.plan
    if test.evidence.worse(settings.alpha):
        return "abort"
    soak_ms = round(1000 * plan.soak_seconds)
    if test.step_labels < plan.soak_labels or (soak_ms and now < test.step_started_at + soak_ms):
        return None
    if test.evidence.log2_e_better >= -log(settings.alpha) * INV_LN2:
        return "promote"
    if test.evidence.log2_e_better > settings.leaning_log2:
        return "continue"
    return "inconclusive" if analysis.n_labels >= plan.label_limit else None


def judge(analysis: CanaryAnalysis, event: Event, settings: EvaluatorSettings) -> tuple[Emit, ...]:
    """Emit a judgement with what it rests on, if it is another one than the step's last.

    Args:
        analysis: Of a canary; its last judgement is replaced.
        event: What brought evidence, or time.
        settings: See `assess`.
    """
    judgement, test = assess(analysis, settings, event.time), analysis.test
    if judgement is None or judgement == test.last_judgement:
        return ()
    test.last_judgement = judgement
    n = max(1, test.evidence.n_pairs)
    judged = CanaryJudged(
        action=analysis.action,
        model=event.subject,
        version=analysis.canary or "",
        step=max(0, test.step),
        judgement=judgement,
        log2_e_worse=test.evidence.log2_e_worse,
        log2_e_better=test.evidence.log2_e_better,
        n_labels=test.evidence.n_pairs,
        n_discordant=test.evidence.n_discordant,
        canary_error=test.canary_errors / n,
        champion_error=test.reference_errors / n,
        exposed=analysis.exposed,
        alpha=settings.alpha,
    )
    return (Emit(GOVERNANCE, judged, scope_of(event.subject), analysis.correlation_id),)
