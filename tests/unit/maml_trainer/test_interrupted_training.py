"""A meta-training that is killed or runs out of time: what it goes on from, and what is spent."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.unit.maml_trainer.orders import SETTINGS, published, recorded, spec, training

from homeostat.artifacts import open_store
from homeostat.services.maml_trainer import training as module
from homeostat.services.maml_trainer.deadline import StopRun
from homeostat.services.maml_trainer.meta.outer_loop import OuterLoop, Progress
from homeostat.services.maml_trainer.settings import MamlTrainerSettings


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize(
    ("phase", "where"),
    [
        ("tasks_in", "after reading the tasks"),
        ("environment", "before the first step"),
        ("_is_storable", "at the gate"),
    ],
)
def test_every_phase_counts_against_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, where: str
) -> None:
    """Reading, preparing, judging: a run that takes too long publishes nothing, wherever it took it."""
    store = open_store(tmp_path)
    log = recorded(store)
    run = training(log, spec(log, n_steps=2), store, timeout_seconds=3000.0)
    real, late = getattr(module, phase), [0.0]

    def slow(*args: Any, **fields: Any) -> Any:
        late[0] = 4000.0
        return real(*args, **fields)

    monkeypatch.setattr(module, phase, slow)
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.monotonic", lambda: monotonic() + late[0])

    with pytest.raises(StopRun, match=f"3000 s are over {where}") as caught:
        run.run()

    assert caught.value.reason == "timed_out"


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the process die before a step; returns what brings the next one up."""
    advance = OuterLoop.advance

    def dying(loop: OuterLoop) -> Progress:
        if loop.step == step:
            raise Killed
        return advance(loop)

    monkeypatch.setattr(OuterLoop, "advance", dying)
    return lambda: monkeypatch.setattr(OuterLoop, "advance", advance)


@pytest.mark.parametrize(
    ("change", "first_step"),
    [
        ({"hidden": (127,)}, 0),
        ({"mixed_precision": True}, 0),
        ({"retry_timeout_seconds": 1.0, "tracking_uri": "runs"}, 30),
    ],
    ids=["network", "precision", "nothing that changes a bit"],
)
def test_a_run_of_other_settings_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], first_step: int
) -> None:
    """Started again with them it begins anew, and gives the bits that these settings give without a kill."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store)
    other = MamlTrainerSettings(**(SETTINGS.model_dump() | change))
    expected = published(training(log, spec(log), store, settings=other).run())
    restart = killed_at(30, monkeypatch)
    with pytest.raises(Killed):
        training(log, spec(log), store, folder=tmp_path / "checkpoints").run()
    restart()

    with capture_logs() as logs:
        found = published(training(log, spec(log), store, folder=tmp_path / "checkpoints", settings=other).run())

    assert [line["step"] for line in logs if line["event"] == "run_resumed"] == ([first_step] if first_step else [])
    assert found.artifact == expected.artifact


def test_time_of_a_killed_process_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed again and again does not live for ever; one that was judged keeps its result."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store)
    began = [1000.0]
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.monotonic", lambda: began[0])
    restart = killed_at(30, monkeypatch)
    first = training(log, spec(log), store, folder=tmp_path / "checkpoints")
    began[0] += 400
    with pytest.raises(Killed):
        first.run()
    restart()

    second = training(log, spec(log), store, folder=tmp_path / "checkpoints")
    began[0] += 150
    seconds = published(second.run()).seconds
    third = training(log, spec(log), store, folder=tmp_path / "checkpoints")
    began[0] += 450

    assert seconds == 550
    assert published(third.run()).seconds == 1000
