"""Where questions come in: each kind has its own learner, all learn from the same episodes."""

from dataclasses import dataclass, field

from homeostat.core import Event
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded
from meta_learner.advice.benefit import Benefit
from meta_learner.advice.configurations import Configurations
from meta_learner.advice.seconds import Seconds


@dataclass(slots=True)
class Advice:
    """What episodes have taught, by kind of question."""

    configurations: Configurations = field(default_factory=Configurations)
    benefit: Benefit = field(default_factory=Benefit)
    seconds: Seconds = field(default_factory=Seconds)


def learn(advice: Advice, episode: EpisodeRecorded) -> None:
    """Learn from a run; one without a task or a configuration, or of a held-out task, teaches nothing here."""
    if episode.task is None or episode.configuration is None or episode.held_out:
        return
    advice.configurations.learn(episode)
    advice.benefit.learn(episode)
    advice.seconds.learn(episode)


def forget(advice: Advice, source: str) -> None:
    """Take back what a source's episodes taught."""
    advice.configurations.forget(source)
    advice.benefit.forget(source)
    advice.seconds.forget(source)


def answer(advice: Advice, event: Event, request: AdviceRequested) -> AdviceGiven:
    """Answer a question; the event's identity keys the draws."""
    if request.question == "configuration":
        return advice.configurations.answer(request, event.identity)
    if request.question == "benefit":
        return advice.benefit.answer(request)
    return advice.seconds.answer(request)
