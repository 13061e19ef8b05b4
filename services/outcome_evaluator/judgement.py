"""The verdict function of a canary: pure, and blind to who acts on it."""

from typing import Literal

from homeostat.events import CanaryJudged
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import Trial
from homeostat.stats.portable import INV_LN2, log

Judgement = Literal["abort", "promote", "continue", "inconclusive"]


def assess(trial: Trial, settings: EvaluatorSettings, now: int = 0) -> Judgement | None:
    """Say what the evidence allows now, or None to wait.

    What is guaranteed: a canary whose mean error, given all that went before, is never above the champion's is aborted
    with chance <= alpha, however often one looks; one that is never below is judged better ever with chance <= alpha.
    It holds for errors of 0 and 1 (there: P(canary wrong | they differ) <= 1/2) and for those of a regressor, which are
    bounded by 1 too, alike.

    abort: E(worse) >= 1/alpha after any pair, at once. Everything else waits for the step's soak, in labels and in time
    (`now`, broker time in ms): a fault that heals
    makes what was trained on it look better for as long as it lasts. Then promote: E(better) >= 1/alpha *now*. A
    crossing earlier in the soak is as valid a test, but of what was before: evidence that has gone since is not acted
    on. continue: the evidence leans to better. inconclusive: the label limit is reached first.
    """
    if trial.test.worse(settings.alpha):
        return "abort"
    soak_ms = round(1000 * trial.plan.soak_seconds)
    if trial.step_labels < trial.plan.soak_labels or (soak_ms and now < trial.step_at + soak_ms):
        return None
    if trial.test.log2_e_better >= -log(settings.alpha) * INV_LN2:
        return "promote"
    if trial.test.log2_e_better > settings.leaning_log2:
        return "continue"
    return "inconclusive" if trial.n_labels >= trial.plan.label_limit else None


def judged(trial: Trial, model: str, judgement: Judgement, settings: EvaluatorSettings) -> CanaryJudged:
    """Put a judgement into words, with what it rests on."""
    n = max(1, trial.test.n_pairs)
    return CanaryJudged(
        action=trial.action,
        model=model,
        version=trial.canary or "",
        step=max(0, trial.step),
        judgement=judgement,
        log2_e_worse=trial.test.log2_e_worse,
        log2_e_better=trial.test.log2_e_better,
        n_labels=trial.test.n_pairs,
        n_discordant=trial.test.n_discordant,
        canary_error=trial.canary_errors / n,
        champion_error=trial.reference_errors / n,
        exposed=trial.exposed,
        alpha=settings.alpha,
    )
