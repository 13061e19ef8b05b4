"""Questions that a training job asks the learner, and answers: which configuration, does it pay, how long."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import Data, Name, Ratio, Text, Value
from homeostat.events.bounds import Count, Number, Scalar, Size

Question = Literal["configuration", "benefit", "seconds"]
Objective = Literal["seconds", "money", "latency"]
"""What may count beside the result: training time, its price, and the mean time of a prediction; less is better."""


MOST_OPTIONS: Final = 10_000
"""Of one question: one event is one step, and a step must be short."""


class Option(Value):
    """Something that could be run.

    Args:
        configuration: Name of the configuration, for example a learner or a point of a grid.
        hyperparameters: Of the training.
        rows: Rows it would be trained on; 0 where that is not asked.
    """

    configuration: Name
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    rows: Count = 0


class AdviceRequested(Data):
    """A question about a task. What was run on the task before are its `episode.recorded` events.

    Args:
        task: Learning task (a data set, a search) that the question is about.
        question: `configuration`: which of the options to run next; `benefit`: what result each option would have,
            so what more rows gain; `seconds`: how long each would take.
        meta_features: Descriptors of the task; missing ones are left out.
        options: Alternatives.
        shadows: Whether the results of all options will come later: then nothing needs exploring.
        metric: Of the results that are asked for; those of another metric say nothing of it.
        is_loss: Less of it is better.
        objectives: What counts beside the result (`configuration`): each option gets what it is expected to take, and
            those that no other beats come first.
        limits: By objective, what an option may take at most: one whose upper bound is above comes last.
    """

    TYPE: ClassVar[str] = "homeostat.advice.requested.v1"
    task: Name
    question: Question
    meta_features: dict[Name, Number] = Field(default_factory=dict)
    options: tuple[Option, ...] = Field(min_length=1, max_length=MOST_OPTIONS)
    shadows: bool = False
    metric: Name = "accuracy"
    is_loss: bool = False
    objectives: tuple[Objective, ...] = ()
    limits: dict[Objective, Size] = Field(default_factory=dict)


class Estimate(Value):
    """What something is expected to take.

    Args:
        expected: In seconds or money.
        low: Lower end of the 90 % interval.
        high: Upper end.
    """

    expected: float = Field(ge=0.0)
    low: float = Field(ge=0.0)
    high: float = Field(ge=0.0)


class Advised(Value):
    """An option with what is expected of it.

    Args:
        configuration: Its name.
        rows: As asked.
        expected: Result in units of the metric, or seconds.
        low: Lower end of the 90 % interval.
        high: Upper end.
        gain: How much better the expected result is than that of the best run so far on the task (`benefit`: of the
            largest run of the same configuration); 0 without one and for seconds.
        probability: That the gain is above the stated least gain (`benefit`), or that the option is the best
            (`configuration`).
        baseline: What one would expect without meta-learning: the mean of the other tasks (`configuration`), the last
            result (`benefit`), seconds in proportion to rows (`seconds`); None where that says nothing.
        takes: By objective asked for, what it is expected to take; one that nothing is known of is left out.
        is_efficient: No other allowed option is expected to be as good in the result and in every objective, and better
            in one of them (Pareto). False where no objectives were asked for.
        is_allowed: Within the limits.
    """

    configuration: Name
    rows: int = 0
    expected: float
    low: float
    high: float
    gain: float = 0.0
    probability: Ratio = 0.0
    baseline: float | None = None
    takes: dict[Objective, Estimate] = Field(default_factory=dict)
    is_efficient: bool = False
    is_allowed: bool = True


class AdviceGiven(Data):
    """The answer to an `advice.requested`, which is its cause.

    Args:
        task: As asked.
        question: As asked.
        options: Best first; for `seconds` in the order asked.
        n_tasks: Other tasks that the answer rests on.
        reason: One sentence for people.
    """

    TYPE: ClassVar[str] = "homeostat.advice.given.v1"
    task: Name
    question: Question
    options: tuple[Advised, ...]
    n_tasks: int = Field(ge=0)
    reason: Text = ""
