"""A report over a whole history: every model's value, and what all of it rests on."""

from collections.abc import Mapping, Sequence
from typing import Final

from homeostat_tools.value.deciding import HORIZON
from homeostat_tools.value.decisions import Decision
from homeostat_tools.value.intervals import LEVEL
from homeostat_tools.value.prices import Prices
from homeostat_tools.value.recipe import DESCRIPTIONS
from homeostat_tools.value.rows import ModelRows
from homeostat_tools.value.summary import ModelValue, ValueReport
from homeostat_tools.value.valuing import Question, Say, value_model

_ALWAYS: Final = (
    "A stand-in learns in place of your recipe: {recipe}. Scheduled, on-alarm and Homeostat train the same, so that "
    "they differ in when they train and in what they put into service.",
    "Scheduled and on-alarm train on the newest {window:,} rows whose label was known by then, and serve at once. A "
    "row is answered by a model that knew only labels that had come before it.",
    "`stand-in, trained once` says how much of a gain is merely another learner: subtract it to see what retraining "
    "itself is worth.",
    f"Intervals are of {LEVEL:.0%}, by block bootstrap, as errors of neighbouring rows are alike; of what a system "
    "has measured itself, 90 % for outcomes. One of twenty misses the truth by chance.",
    "The gain of an action compares what it put into service with what would have gone on serving, up to the next "
    f"action; what was not served is valued over the next {HORIZON:,} rows at most.",
    "Other answers might have brought other rows, and people might have acted by hand: that is in no history.",
)
_SIMULATED: Final = (
    "Homeostat's decisions are those of its own detector, learner, evaluator and governor, run in memory on these rows "
    "in their own time, under the rules that were given, with canaries; nobody approves or denies anything."
)


def value_report(
    rows: Mapping[str, ModelRows],
    question: Question,
    source: str,
    say: Say,
    *,
    recorded: Sequence[Decision] | None = None,
    command: str = "",
) -> ValueReport:
    """Value every model of a history.

    Args:
        rows: By model.
        question: What is asked.
        source: Where the history lies, for people.
        say: See `Say`.
        recorded: Decisions of a live system; None: the history is not of one.
        command: That makes the report again.
    """
    models = []
    for model, own in rows.items():
        decided = None if recorded is None else [one for one in recorded if one.proposal.model == model]

        def of_model(what: str, done: int, total: int, model: str = model) -> None:
            say(f"{model}: {what}", done, total)

        models.append(value_model(own, question, decided, of_model))
    return ValueReport(source, models, _assumptions(question, models, is_live=recorded is not None), command)


def _assumptions(question: Question, models: Sequence[ModelValue], *, is_live: bool) -> list[str]:
    training, prices = question.training, question.prices(models[0].model) if models else None
    said = [text.format(recipe=DESCRIPTIONS[training.recipe], window=training.window) for text in _ALWAYS]
    if not is_live:
        said.append(_SIMULATED)
    if prices is not None:
        said.append(_of_prices(prices))
    return said


def _of_prices(prices: Prices) -> str:
    worth = (
        f"A point of error (a hundredth) for an hour is worth {prices.hourly_value:g} {prices.currency}."
        if prices.hourly_value
        else "Nobody has said what a point of error is worth (--hourly-value): gains are in errors and not in money."
    )
    return (
        f"A training costs {prices.per_training:.4g} {prices.currency}: {prices.training_seconds:g} s "
        f"(--training-seconds) at {prices.per_training_second:g} a second, as the rules price it; Homeostat pays for "
        f"every arm that it trains. {worth}"
    )
