"""Units of targets: whatever a family counts in, the same is learned, and it comes out in its own units."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.maml_trainer.orders import SETTINGS, record, recorded, spec, training
from tests.unit.maml_trainer.small import sinusoids, small_tasks
from torch import Tensor

from homeostat.artifacts import open_store
from homeostat.events import Episodes, WeightsPublished, WeightsRejected
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, Algorithm, Rule
from homeostat.services.maml_trainer.meta.inner_loop import Problem, adapt
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat.services.maml_trainer.meta.scaling import TargetScale
from homeostat.services.maml_trainer.publish.weights import load
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

NETWORK = mlp((1, 8, 8, 1))
DEEP = MamlTrainerSettings(**SETTINGS.model_dump() | {"hidden": (40, 40)})


def start(algorithm: Algorithm) -> MetaParameters:
    """Random weights in float64."""
    params, rule = NETWORK.init(3, dtype=torch.float64), Rule(algorithm, 3)
    return MetaParameters(NETWORK, rule, params, rule.initial(NETWORK, params, 0.05))


def predicted(learned: MetaParameters, x: Tensor, y: Tensor, query: Tensor) -> Tensor:
    """What weights predict after they have been adapted to rows."""
    problem = Problem(learned.network, learned.rule, is_classification=False)
    rows = (x, y, torch.ones(len(x), dtype=x.dtype))
    return NETWORK.forward(adapt(problem, learned.params, learned.inner, rows), query)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(max_examples=20, deadline=None)
@given(mean=st.floats(-1e6, 1e6), deviation=st.floats(1e-3, 1e6))
def test_adaptation_is_the_same_in_any_units(algorithm: Algorithm, mean: float, deviation: float) -> None:
    """Step by step, for every rule: standard weights on standard targets, or the users' weights on the users'."""
    units, learned = TargetScale(mean, deviation), start(algorithm)
    generator = torch.Generator().manual_seed(0)
    x, y, query = (torch.randn(6, 1, generator=generator, dtype=torch.float64) for _ in range(3))

    standard = predicted(learned, x, y, query)
    theirs = predicted(units.in_users_units(learned), x, mean + deviation * y, query)

    torch.testing.assert_close((theirs - mean) / deviation, standard, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_units_there_and_back(algorithm: Algorithm) -> None:
    """The two directions are each other's inverse."""
    units, learned = TargetScale(-3e5, 2e3), start(algorithm)

    back = units.in_standard_units(units.in_users_units(learned))

    for found, expected in ((back.params, learned.params), (back.inner, learned.inner)):
        assert list(found) == list(expected)
        for name in expected:
            torch.testing.assert_close(found[name], expected[name], rtol=1e-9, atol=1e-9)


def test_labels_have_no_units() -> None:
    """Nothing is changed, and nothing is stated."""
    units, learned = TargetScale.of(small_tasks(3)), start("maml")

    assert units == TargetScale()
    assert units.facts == {}
    assert units.in_users_units(learned) is learned


def test_targets_that_are_all_the_same_have_a_unit() -> None:
    """No division by nothing."""
    x, y = np.zeros((2, 1), np.float32), np.full(2, 7.0)

    assert TargetScale.of([Task("t", x, y, x, y)]) == TargetScale(7.0, 1.0)


def published(
    folder: Path, factor: float, offset: float, n_steps: int = 200
) -> tuple[WeightsPublished, MetaParameters, dict[str, str]]:
    """Learn sine waves in some units, through the log and the store."""
    store = open_store(folder)
    tasks = enumerate(sinusoids(60, factor=factor, offset=offset))
    log = recorded(store, n=0, more=[record(task, store, n_classes=0, is_held_out=at % 3 == 0) for at, task in tasks])
    asked = spec(log, n_steps=n_steps, episodes=Episodes(shots=(10,)))
    answer = training(log, asked, store, settings=DEEP).run()
    assert isinstance(answer.data, WeightsPublished), answer.data
    learned, metadata = load(store.get(answer.data.artifact))
    return answer.data, learned, metadata


def probe(learned: MetaParameters, factor: float, offset: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Predictions after ten points of a new sine wave, in the users' units, and back."""
    task = sinusoids(1, seed=9, factor=factor, offset=offset)[0]
    params, inner = ({n: v.double() for n, v in part.items()} for part in (learned.params, learned.inner))
    double = MetaParameters(learned.network, learned.rule, params, inner)
    rows = [
        torch.from_numpy(part.astype(np.float64).reshape(-1, 1))
        for part in (task.support_x, task.support_y, task.query_x)
    ]
    problem = Problem(double.network, double.rule, is_classification=False)
    adapted = adapt(problem, params, inner, (rows[0], rows[1], torch.ones(len(rows[0])).double()))
    found = double.network.forward(adapted, rows[2]).numpy()[:, 0]
    return (found - offset) / factor


@pytest.mark.parametrize(("factor", "offset"), [(1e6, 0.0), (2.0**20, 1e6), (1.0, 1e6), (1e-3, 0.0), (1e3, -5e6)])
def test_what_is_learned_does_not_depend_on_the_units(tmp_path: Path, factor: float, offset: float) -> None:
    """Loss, gain and predictions are those of the plain units, in their own; the provenance says how it was scaled."""
    plain, learned, _ = published(tmp_path / "plain", 1.0, 0.0)

    other, theirs, metadata = published(tmp_path / "other", factor, offset)

    assert other.loss / factor**2 == pytest.approx(plain.loss, rel=0.02)
    assert other.gain / factor**2 == pytest.approx(plain.gain, rel=0.02)
    assert np.abs(probe(theirs, factor, offset) - probe(learned, 1.0, 0.0)).max() < 0.2
    assert float(metadata["target_mean"]) == pytest.approx(offset, abs=abs(factor))
    assert float(metadata["target_deviation"]) == pytest.approx(2.1 * abs(factor), rel=0.2)


def test_targets_around_a_million_are_learned_well(tmp_path: Path) -> None:
    """A third of the error of the best constant at the most, in 400 steps."""
    found, _, metadata = published(tmp_path, 1e6, 1e6, n_steps=400)

    assert found.loss == pytest.approx(float(metadata["held_out_loss"]), rel=1e-5)
    assert found.loss < float(metadata["held_out_loss_constant"]) / 3
    assert found.loss < float(metadata["held_out_loss_linear"]) / 3


@pytest.mark.parametrize(
    ("factor", "offset", "reason"),
    [(1e25, 0.0, "beyond_float32"), (1e15, 0.0, "out_of_range"), (1.0, 1e12, "not_better")],
)
def test_units_that_weights_cannot_have_are_said(tmp_path: Path, factor: float, offset: float, reason: str) -> None:
    """Weights are float32: what they cannot hold, or would round away, is not published."""
    store = open_store(tmp_path)
    tasks = enumerate(sinusoids(60, factor=factor, offset=offset))
    log = recorded(store, n=0, more=[record(task, store, n_classes=0, is_held_out=at % 3 == 0) for at, task in tasks])

    answer = training(log, spec(log, n_steps=200, episodes=Episodes(shots=(10,))), store, settings=DEEP).run()

    assert isinstance(answer.data, WeightsRejected)
    assert answer.data.reason.startswith(reason)
