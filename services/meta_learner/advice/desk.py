"""Where questions come in: each kind has its own learner, all learn from the same episodes."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, RulesSet
from homeostat.services.meta_learner.advice.benefit import Benefit
from homeostat.services.meta_learner.advice.configurations import Configurations
from homeostat.services.meta_learner.advice.front import weighed
from homeostat.services.meta_learner.advice.promises import Promise, Score, kept, promise
from homeostat.services.meta_learner.advice.seconds import Seconds
from homeostat.services.meta_learner.advice.told import Told, source_of

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
        told: The last runs.
        results: By metric, which may be one to be minimised; the eight that most of the last runs were measured by.
        seconds: How long trainings take.
        latency: How long predictions take.
        promises: What was answered and is not run yet.
        scores: How answers have done, by question.
    """

    told: Told = field(default_factory=Told)
    results: dict[str, Results] = field(default_factory=dict)
    seconds: Seconds = field(default_factory=Seconds)
    latency: Seconds = field(default_factory=Seconds)
    promises: dict[str, Promise] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)


def learn(advice: Advice, event: Event, episode: EpisodeRecorded, distrusted: Collection[str] = ()) -> tuple[Emit, ...]:
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
    advice.told.add(episode)
    key = _key(episode.metric, is_loss=episode.is_loss)
    if key in advice.results or len(advice.results) < _MOST_METRICS:
        _learn_result(advice.results.setdefault(key, Results()), episode)
    else:
        _make_room(advice, key, distrusted)
    _learn_times(advice, episode)
    return said


def forget(advice: Advice, source: str, distrusted: Collection[str]) -> None:
    """Take back what a source's runs taught: the others of the last runs are learned again.

    Exact for as long as no run has made room for later ones; else what these taught leaves as well, but for the
    results of configurations, which are kept apart by source.

    Args:
        advice: Changed.
        source: Distrusted now.
        distrusted: Everybody who is.
    """
    if not advice.told.has(source):
        return
    if not advice.told.left:
        _learn_again(advice, distrusted)
        return
    before = advice.results
    for results in before.values():
        results.configurations.forget(source)
    _learn_again(advice, distrusted)
    for key, results in advice.results.items():
        if key in before:
            results.configurations = before[key].configurations


def restore(advice: Advice, source: str, distrusted: Collection[str]) -> None:
    """Take back in what a source's runs taught before it was distrusted; arguments as in `forget`, after its trust."""
    if not any(source_of(run) == source for run in advice.told.runs):
        return
    before = advice.results
    _learn_again(advice, distrusted)
    if not advice.told.left:
        return
    for key, results in advice.results.items():
        if key in before:
            results.configurations = before[key].configurations
    for run in advice.told.runs:
        if source_of(run) == source and (of_metric := advice.results.get(_key_of(run))) is not None:
            of_metric.configurations.learn(_turned_run(run))


def _learn_again(advice: Advice, distrusted: Collection[str]) -> None:
    """Learn the last runs of everybody who is believed, as if nothing else had ever been told."""
    advice.results, advice.seconds, advice.latency = {}, Seconds(), Seconds()
    for run in advice.told.believed(distrusted):
        key = _key_of(run)
        if key in advice.results or len(advice.results) < _MOST_METRICS:
            _learn_result(advice.results.setdefault(key, Results()), run)
        _learn_times(advice, run)


def _make_room(advice: Advice, key: str, distrusted: Collection[str]) -> None:
    """Let a metric that more runs are measured by take the place of the one that fewest are."""
    runs = [(_key_of(run), run) for run in advice.told.believed(distrusted)]
    counts = Counter(of for of, _ in runs)
    least = min(advice.results, key=lambda known: (counts[known], known))
    if counts[key] <= counts[least]:
        return
    del advice.results[least]
    results = advice.results[key] = Results()
    for of, run in runs:
        if of == key:
            _learn_result(results, run)


def _learn_result(results: Results, run: EpisodeRecorded) -> None:
    turned = _turned_run(run)
    results.configurations.learn(turned)
    results.benefit.learn(turned)


def _learn_times(advice: Advice, run: EpisodeRecorded) -> None:
    advice.seconds.learn(run)
    if run.latency_seconds is not None:
        # How long a prediction takes is a matter of what was trained, less of on how many rows.
        advice.latency.learn(run.model_copy(update={"seconds": run.latency_seconds, "rows": 0}))


def answer(advice: Advice, identity: str, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
    """Answer a question, and remember what was said; the question's identity keys the draws, the rules have prices."""
    given = _answer(advice, identity, request, rules)
    promise(advice.promises, request, given)
    return given


def _answer(advice: Advice, identity: str, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
    if request.question == "seconds":
        return advice.seconds.answer(request)
    results = advice.results.get(_key(request.metric, is_loss=request.is_loss)) or Results()
    if request.question == "benefit":
        given = results.benefit.answer(request)
    else:
        given = results.configurations.answer(request, identity)
        if request.objectives or request.limits:
            given = weighed(given, request, advice.seconds, advice.latency, rules)
    return _turned(given) if request.is_loss else given


def _key(metric: str, *, is_loss: bool) -> str:
    return f"{metric} {'loss' if is_loss else 'score'}"


def _key_of(run: EpisodeRecorded) -> str:
    return _key(run.metric, is_loss=run.is_loss)


def _turned_run(run: EpisodeRecorded) -> EpisodeRecorded:
    """A run with a result of which more is better."""
    return run.model_copy(update={"result": -run.result}) if run.is_loss else run


def _turned(given: AdviceGiven) -> AdviceGiven:
    """Say results of a loss as losses; gains stay what is gained."""
    options = tuple(
        each.model_copy(update={"expected": -each.expected, "low": -each.high, "high": -each.low, "baseline": turned})
        for each in given.options
        for turned in [None if each.baseline is None else -each.baseline]
    )
    return given.model_copy(update={"options": options})
