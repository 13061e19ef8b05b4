"""Where questions come in: each kind has its own learner, all learn from the same episodes."""

from dataclasses import dataclass, field

from homeostat.core import Event
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, RulesSet
from meta_learner.advice.benefit import Benefit
from meta_learner.advice.configurations import Configurations
from meta_learner.advice.front import weighed
from meta_learner.advice.seconds import Seconds


@dataclass(slots=True)
class Advice:
    """What episodes have taught, by kind of question."""

    configurations: Configurations = field(default_factory=Configurations)
    benefit: Benefit = field(default_factory=Benefit)
    seconds: Seconds = field(default_factory=Seconds)
    latency: Seconds = field(default_factory=Seconds)


def learn(advice: Advice, episode: EpisodeRecorded) -> None:
    """Learn from a run; one without a task or a configuration, or of a held-out task, teaches nothing here."""
    if episode.task is None or episode.configuration is None or episode.held_out:
        return
    advice.configurations.learn(episode)
    advice.benefit.learn(episode)
    advice.seconds.learn(episode)
    if episode.latency_seconds is not None:
        # How long a prediction takes is a matter of what was trained, less of on how many rows.
        advice.latency.learn(episode.model_copy(update={"seconds": episode.latency_seconds, "rows": 0}))


def forget(advice: Advice, source: str) -> None:
    """Take back what a source's episodes taught."""
    advice.configurations.forget(source)
    advice.benefit.forget(source)
    advice.seconds.forget(source)
    advice.latency.forget(source)


def answer(advice: Advice, event: Event, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
    """Answer a question; the event's identity keys the draws, the rules have the prices."""
    if request.question == "configuration":
        given = advice.configurations.answer(request, event.identity)
        if not request.objectives and not request.limits:
            return given
        return weighed(given, request, advice.seconds, advice.latency, rules)
    if request.question == "benefit":
        return advice.benefit.answer(request)
    return advice.seconds.answer(request)
