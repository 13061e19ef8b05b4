"""Made-up learning curves: every data set has a ceiling and a speed, every learner its own share of both."""

from collections.abc import Iterator

from homeostat.events import AdviceRequested, EpisodeRecorded, Provenance
from homeostat.events.advice import Option
from homeostat.stats import Draws
from homeostat.stats.portable import exp

SIZES = (16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048)
LEARNERS = ("tree", "forest", "line", "net")


def result(task: int, learner: int, rows: int) -> float:
    """Accuracy: noise of a third of a point about a power law."""
    ceiling, share = Draws(f"task|{task}").uniform(2).tolist()
    reached = exp(-(0.2 + 4.0 * share * share + 0.3 * learner) * rows / 256.0)
    noise = Draws(f"noise|{task}|{learner}|{rows}").normal(1)[0]
    return float(0.6 + 0.35 * ceiling - 0.2 * reached + 0.003 * noise)


def seconds(task: int, learner: int, rows: int) -> float:
    """Training time: grows like rows to a power of the learner, on a machine of the task."""
    machine = float(exp(Draws(f"machine|{task}").normal(1))[0])
    return machine * (0.01 + 0.0001 * rows * (rows / 100.0 if learner % 2 else 1.0))


def run(task: int, learner: int, rows: int, source: str = "jobs") -> EpisodeRecorded:
    """A training job's trace."""
    return EpisodeRecorded(
        provenance=Provenance(scope="acme", source=source, id="1"),
        episode=f"{task}-{learner}-{rows}",
        task=f"t{task}",
        configuration=LEARNERS[learner],
        rows=rows,
        result=result(task, learner, rows),
        seconds=seconds(task, learner, rows),
    )


def curves(n_tasks: int, first: int = 0) -> Iterator[EpisodeRecorded]:
    """All runs on some data sets."""
    for task in range(first, first + n_tasks):
        for learner in range(len(LEARNERS)):
            for rows in SIZES:
                yield run(task, learner, rows)


def question(task: int, learner: int, *rows: int, kind: str = "benefit") -> AdviceRequested:
    """What would this learner do on so many rows."""
    options = tuple(Option(configuration=LEARNERS[learner], rows=n) for n in rows)
    return AdviceRequested.model_validate({"task": f"t{task}", "question": kind, "options": options})
