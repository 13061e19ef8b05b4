"""What somebody forgets who begins: the command line names the first thing that stands still, and what to do."""

import numpy as np
import pytest

from homeostat.client.memory import MemoryLogs
from homeostat.events import Arm, FamilyRegistered, FeatureContract, ModelRegistered, SamplesObserved
from homeostat.events.logs import TELEMETRY, TRACES
from homeostat_lab.demo.memory_loop import in_memory
from homeostat_tools.cli.why import Answer, explain

MODEL, FAMILY, N = "lab/m", "lab/f", 40


def begin(
    *, width: int = 2, has_family: bool = True, has_inputs: bool = True, has_labels: bool = True, n_bad: int = 40
) -> Answer:
    """Serve 40 batches that are right, then so many that are wrong, with something forgotten; ask why."""
    rng = np.random.default_rng(0)
    with in_memory() as system:
        if has_family:
            arms = (Arm(name="warm", hyperparameters={"lr": 0.05}),)
            system.publish(TRACES, FAMILY, FamilyRegistered(arms=arms, baseline="warm"))
        contract = ModelRegistered(family="f", champion="v1", input_width=width, features=(FeatureContract(name="x"),))
        system.publish(TELEMETRY, MODEL, contract)
        system.settle(0, 0)
        for batch in range(40 + n_bad):
            is_bad = batch >= 40
            y = rng.integers(0, 2, N)
            said = np.where(rng.random(N) < (0.6 if is_bad else 0.05), 1 - y, y)
            x = rng.normal(size=N) + (5.0 if is_bad and not has_labels else 0.0)
            rows = SamplesObserved(
                version="v1",
                request=[f"{batch}-{row}" for row in range(N)],
                time=[1.7e9 + N * batch] * N,
                prediction=said.astype(float).tolist(),
                score=[0.9] * N,
                features={"x": x.tolist()},
                label=y.astype(float).tolist() if has_labels or not is_bad else [],
                captured=list(range(N)) if has_inputs else [],
                inputs=[[0.0, float(value)] for value in y] if has_inputs else [],
            )
            system.publish(TELEMETRY, MODEL, rows.columns())
            system.settle(0, 0)
        return explain(MemoryLogs(system.log), MODEL)


@pytest.mark.parametrize(
    ("forgotten", "says", "mends"),
    [
        ({"has_family": False}, "nobody has registered any for lab/f", "family.registered lab/f"),
        ({"has_inputs": False, "width": 0}, "no labelled row with a captured input", "`input_width`, and publish"),
        ({"has_inputs": False}, "no labelled row with a captured input", "publish `inputs`"),
        ({"width": 0}, "all of its rows are refused (80 times inputs_invalid)", "again with `input_width`"),
        ({}, "there are no champion weights to start from", "again with `artifact`"),
        ({"has_labels": False}, "no retrain without labels: 0 of 80", ""),
    ],
)
def test_why_names_the_first_reason(forgotten: dict[str, bool], says: str, mends: str) -> None:
    """One sentence, then what to do; a cooldown that has followed is not it."""
    answer = begin(**forgotten)

    assert says in answer.because
    assert mends in answer.todo
    assert "cooldown" not in answer.because
