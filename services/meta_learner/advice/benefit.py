"""Whether training on more rows pays."""

from dataclasses import dataclass

from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded
from homeostat.services.meta_learner.advice.gains import LEAST_GAIN, Gains, unknown


@dataclass(slots=True)
class Benefit:
    """Answers from the learning curves seen so far; one pass, constant memory, nothing looked at before it came.

    Args:
        gains: What was learned; None before the first run.
    """

    gains: Gains | None = None

    def learn(self, episode: EpisodeRecorded) -> None:
        """Learn from a run that has a task, a configuration and rows; another teaches nothing."""
        if episode.task is None or episode.configuration is None or episode.rows < 1:
            return
        if self.gains is None:
            self.gains = Gains()
        self.gains.learn(episode)

    def answer(self, request: AdviceRequested) -> AdviceGiven:
        """Say what result each option would have, and how likely it gains more than `LEAST_GAIN`; best result first.

        The gain of an option is over the run of the same configuration on the most rows, up to those asked for; what
        was run on as many rows already gains nothing.
        """
        gains = self.gains
        found = [unknown(o, None) if gains is None else gains.advise(request.task, o) for o in request.options]
        options = tuple(sorted(found, key=lambda advised: -advised.expected))
        task = None if gains is None else gains.curves.tasks.get(request.task)
        n_curves = 0 if task is None else len(task.names)
        best = max(options, key=lambda advised: advised.probability)
        return AdviceGiven(
            task=request.task,
            question=request.question,
            options=options,
            n_tasks=0 if gains is None else len(gains.curves.tasks) - (task is not None),
            reason=f"{best.configuration} on {best.rows} rows is expected to gain {best.gain:+.3f}, with "
            f"{best.probability:.0%} more than {LEAST_GAIN:g}; curves of the task known: {n_curves}",
        )
