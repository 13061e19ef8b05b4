"""How long a training would take."""

from dataclasses import dataclass

from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded
from homeostat.events.advice import Estimate
from homeostat.services.meta_learner.advice.durations import Durations


@dataclass(slots=True)
class Seconds:
    """Answers from the training times seen so far; one pass, constant memory.

    Args:
        durations: What was learned; None before the first run.
    """

    durations: Durations | None = None

    def learn(self, episode: EpisodeRecorded) -> None:
        """Learn from a run that has a task, a configuration and a time; another teaches nothing."""
        if episode.task is None or episode.configuration is None or episode.seconds <= 0.0:
            return
        if self.durations is None:
            self.durations = Durations()
        self.durations.learn(episode)

    def estimates(self, request: AdviceRequested) -> list[Estimate] | None:
        """Say what each option would take, in the order asked; None before anything was learned."""
        durations = self.durations
        if durations is None:
            return None
        found = (durations.advise(request, option) for option in request.options)
        return [Estimate(expected=each.expected, low=each.low, high=each.high) for each in found]

    def answer(self, request: AdviceRequested) -> AdviceGiven:
        """Say how long each option would take, in the order asked."""
        durations = self.durations or Durations()
        options = tuple(durations.advise(request, option) for option in request.options)
        first, known = options[0], durations.level.tasks
        return AdviceGiven(
            task=request.task,
            question=request.question,
            options=options,
            n_tasks=len(known) - (request.task in known),
            reason=f"{first.configuration}: {first.expected:.3g} s, with 90 % between {first.low:.3g} and "
            f"{first.high:.3g} s",
        )
