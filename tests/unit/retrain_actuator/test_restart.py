"""A command that is given again, here or in another process, goes on from its folder."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.unit.retrain_actuator.training_driver import Recipe, arms, run

from homeostat.core import Event
from homeostat.events import CandidateTrained
from homeostat.services.retrain_actuator.hand import RetrainActuator

MakeCommand = Callable[..., Event]


def test_what_trained_an_arm_is_known_after_a_restart(
    hand: Callable[..., RetrainActuator], command: MakeCommand, tmp_path: Path
) -> None:
    """It was noted with the result; an older version of the hand has noted nothing."""
    before = run(hand().start(command("warm")))
    again = run(hand().start(command("warm")))
    (results,) = (tmp_path / "jobs").glob("*/results.json")
    kept = json.loads(results.read_bytes())
    results.write_text(
        json.dumps(
            {arm: {k: v for k, v in told.items() if k not in ("code", "environment")} for arm, told in kept.items()}
        )
    )
    older = run(hand().start(command("warm")))

    assert [report.data for report in again] == [report.data for report in before]
    assert isinstance(older[0].data, CandidateTrained)
    assert isinstance(before[0].data, CandidateTrained)
    assert older[0].data == before[0].data.model_copy(update={"code": None, "environment": None})


def test_a_finished_command_is_reported_again_and_not_run_again(
    hand: Callable[..., RetrainActuator], command: MakeCommand, recipe: Recipe
) -> None:
    """The same command, given to a new process, gives the same reports from its folder."""
    first = run(hand().start(command("warm", "bad", "scratch")))
    launches = len(recipe.jobs)

    again = run(hand(RuntimeError("not asked")).start(command("warm", "bad", "scratch")))

    assert sorted(again, key=lambda report: report.stage) == sorted(first, key=lambda report: report.stage)
    assert len(recipe.jobs) == launches


def test_a_command_that_was_cut_short_goes_on(
    hand: Callable[..., RetrainActuator], command: MakeCommand, recipe: Recipe
) -> None:
    """After a crash only the arms without a result are trained."""
    cut = hand().start(command("warm", "scratch"))
    assert cut is not None
    polled = cut.poll()
    assert next(iter(polled)).stage == "trained.warm"
    del polled

    reports = run(hand().start(command("warm", "scratch")))

    assert arms(reports) == {"warm": "", "scratch": ""}
    assert [[arm["arm"] for arm in job["arms"]] for job in recipe.jobs] == [["warm", "scratch"], ["scratch"]]  # type: ignore[attr-defined]  # JSON


def test_only_the_results_are_kept(hand: Callable[..., RetrainActuator], command: MakeCommand, tmp_path: Path) -> None:
    """Data and attempts go when the command is done."""
    run(hand().start(command("warm", "crash")))

    (folder,) = (tmp_path / "jobs").iterdir()
    assert [path.name for path in folder.iterdir()] == ["results.json"]
