"""The evaluation tasks by name; a task's module is imported when it is asked for."""

import importlib
from dataclasses import dataclass
from typing import Final

from homeostat_lab.evaluation.rows import Job, Result


@dataclass(frozen=True, slots=True)
class Task:
    """One evaluation.

    Args:
        name: For the command line.
        data: Folder of its data set; empty where it makes its own.
        purpose: One line.
        module: In this package, with `evaluate(job) -> Result`.
        seeds: Repetitions unless told.
    """

    name: str
    data: str
    purpose: str
    module: str
    seeds: int = 1

    def run(self, job: Job) -> Result:
        """Run it."""
        module = importlib.import_module(f"homeostat_lab.evaluation.{self.module}")
        result: Result = module.evaluate(job)
        return result


TASKS: Final = (
    Task("thresholds", "nab", "alert thresholds: page by NAB's score, rate by its deviation", "thresholds"),
    Task("drift", "drift-streams", "drift in labelled streams: F1, delay, false alarms", "drift"),
    Task("drift-many", "", "2,000 streams at once: false discoveries and power", "drift_many", 5),
    Task("warm-start", "tst-svm", "configurations tried in order: regret after 1, 3, 5, 10", "warm_start", 5),
    Task("algorithm-choice", "openml-weka-2017", "one algorithm per data set: gap closed", "algorithm_choice", 5),
    Task("retrain-benefit", "lcdb", "does training on more rows pay: AUC, error of the gain", "retrain_benefit", 3),
    Task("train-time", "lcdb", "predicted training seconds: median absolute log error", "train_time", 3),
    Task("few-shot", "omniglot", "new characters from 1 and 5 drawings: accuracy", "few_shot"),
    Task("sinusoid", "", "few-shot regression: error after 0, 1, 5, 10 steps", "sinusoid"),
)


def task_of(name: str) -> Task:
    """Look a task up.

    Raises:
        KeyError: There is none of that name; says which there are.
    """
    for task in TASKS:
        if task.name == name:
            return task
    raise KeyError(f"no task {name!r}; there are: {', '.join(task.name for task in TASKS)}, demo, all")
