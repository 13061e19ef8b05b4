"""Where questions come in: each kind has its own learner, all learn from the same episodes."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, RulesSet
from meta_learner.advice.benefit import Benefit
from meta_learner.advice.configurations import Configurations
from meta_learner.advice.front import weighed
from meta_learner.advice.promises import Promise, Score, kept, promise
from meta_learner.advice.seconds import Seconds

_MOST_METRICS: Final = 8


@dataclass(slots=True)
class Results:
    """What episodes have taught of one metric; greater is better inside, so losses are negative here."""

    configurations: Configurations = field(default_factory=Configurations)
    benefit: Benefit = field(default_factory=Benefit)


@dataclass(slots=True)
class Advice:
    """What episodes have taught.

    Args:
        results: By metric, which may be one to be minimised; the first eight heard of.
        seconds: How long trainings take.
        latency: How long predictions take.
        promises: What was answered and is not run yet.
        scores: How answers have done, by question.
    """

    results: dict[str, Results] = field(default_factory=dict)
    seconds: Seconds = field(default_factory=Seconds)
    latency: Seconds = field(default_factory=Seconds)
    promises: dict[str, Promise] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)


def learn(advice: Advice, event: Event, episode: EpisodeRecorded) -> tuple[Emit, ...]:
    """Score what was answered of a run, then learn from it, unless its task is held out.

    A run without a task or a configuration teaches nothing here.

    Returns:
        Indicators of the answers that the run was one of.
    """
    if episode.task is None or episode.configuration is None:
        return ()
    said = kept(advice.promises, advice.scores, event.subject, episode)
    if episode.held_out:
        return said
    key = _key(episode.metric, is_loss=episode.is_loss)
    if key in advice.results or len(advice.results) < _MOST_METRICS:
        results = advice.results.setdefault(key, Results())
        turned = episode.model_copy(update={"result": -episode.result}) if episode.is_loss else episode
        results.configurations.learn(turned)
        results.benefit.learn(turned)
    advice.seconds.learn(episode)
    if episode.latency_seconds is not None:
        # How long a prediction takes is a matter of what was trained, less of on how many rows.
        advice.latency.learn(episode.model_copy(update={"seconds": episode.latency_seconds, "rows": 0}))
    return said


def forget(advice: Advice, source: str) -> None:
    """Take back what a source's episodes taught."""
    for results in advice.results.values():
        results.configurations.forget(source)
        results.benefit.forget(source)
    advice.seconds.forget(source)
    advice.latency.forget(source)


def answer(advice: Advice, event: Event, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
    """Answer a question, and remember what was said; the event's identity keys the draws, the rules have the prices."""
    given = _answer(advice, event, request, rules)
    promise(advice.promises, request, given)
    return given


def _answer(advice: Advice, event: Event, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
    if request.question == "seconds":
        return advice.seconds.answer(request)
    results = advice.results.get(_key(request.metric, is_loss=request.is_loss)) or Results()
    if request.question == "benefit":
        given = results.benefit.answer(request)
    else:
        given = results.configurations.answer(request, event.identity)
        if request.objectives or request.limits:
            given = weighed(given, request, advice.seconds, advice.latency, rules)
    return _turned(given) if request.is_loss else given


def _key(metric: str, *, is_loss: bool) -> str:
    return f"{metric} {'loss' if is_loss else 'score'}"


def _turned(given: AdviceGiven) -> AdviceGiven:
    """Say results of a loss as losses; gains stay what is gained."""
    options = tuple(
        each.model_copy(update={"expected": -each.expected, "low": -each.high, "high": -each.low, "baseline": turned})
        for each in given.options
        for turned in [None if each.baseline is None else -each.baseline]
    )
    return given.model_copy(update={"options": options})
