"""From a retrain command to its reports."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from safetensors.numpy import load
from tests.unit.retrain_actuator.training_driver import ACTION, ROWS, FixedHistory, Recipe, arms, run

from homeostat.artifacts import ArtifactStore, digest_of
from homeostat.core import Event
from homeostat.events import Arm, CandidateTrained, InstancePrice, Labels, Samples
from homeostat.recipe import Line
from homeostat.services.retrain_actuator.code import environment
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.reports import seed_of, version_of
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher

MakeCommand = Callable[..., Event]


def test_every_arm_is_reported_with_its_artifact(
    hand: Callable[..., RetrainActuator], command: MakeCommand, store: ArtifactStore
) -> None:
    """Version, digest, time, rows and loss curve come with the arm; nothing follows the last one."""
    reports = run(hand().start(command("warm", "scratch")))

    assert [report.stage for report in reports] == ["trained.warm", "trained.scratch"]
    data = reports[0].data
    assert isinstance(data, CandidateTrained)
    assert (data.version, data.seconds, data.rows, data.loss_curve) == (version_of(ACTION, "warm"), 0.5, 5, (2.0, 1.0))
    assert data.artifact is not None
    assert load(store.get(data.artifact))["w1"][0, 0] == seed_of(ACTION) % 7


def test_an_arm_is_reported_with_seed_code_and_environment(
    hand: Callable[..., RetrainActuator], command: MakeCommand
) -> None:
    """The recipe's own words about where it ran come first, as far as a report can hold them."""
    done = [report.data for report in run(hand().start(command("warm", "where", "bad")))]
    warm, where, bad = (data for data in done if isinstance(data, CandidateTrained))

    assert warm.environment == environment()
    assert where.environment == environment() | {"gpu": "H200", "python": "3.99", "long": "x" * 500}
    assert bad.environment == environment()
    assert {data.seed for data in (warm, where, bad)} == {seed_of(ACTION)}
    assert {data.code for data in (warm, where, bad)} == {InlineLauncher({"test": Recipe()}).code("test")}


def test_an_arm_that_nothing_ran_for_names_no_code(hand: Callable[..., RetrainActuator], command: MakeCommand) -> None:
    """There was none, and no machine; the seed is that of the action."""
    gone = Arm(name="warm", initial_weights="0" * 64)
    (data,) = (report.data for report in run(hand().start(command(gone))) if report.stage == "trained.warm")

    assert isinstance(data, CandidateTrained)
    assert (data.artifact, data.code, data.environment) == (None, None, None)


def test_an_arm_is_reported_at_the_price_of_its_machine(
    hand: Callable[..., RetrainActuator], command: MakeCommand
) -> None:
    """By the list that came with the command: what it asked for, or the fallback."""
    prices = {"gpu": InstancePrice(per_second=4.0, spot_per_second=1.0)}
    spot = Arm(name="warm", hyperparameters={"instance": "gpu", "spot": True})
    reports = run(hand().start(command(spot, "scratch", prices=prices, price_per_second=0.5, currency="CHF")))

    found = [report.data for report in reports if isinstance(report.data, CandidateTrained)]
    assert [(data.instance, data.is_spot, data.price_per_second, data.currency) for data in found] == [
        ("gpu", True, 1.0, "CHF"),
        ("default", False, 0.5, "CHF"),
    ]


def test_a_job_says_what_the_command_says(
    hand: Callable[..., RetrainActuator], command: MakeCommand, store: ArtifactStore, recipe: Recipe, tmp_path: Path
) -> None:
    """Arms, hyperparameters, initial weights, champion, data and seed reach the recipe."""
    champion, initial = store.put(b"champion"), store.put(b"initial")
    seen: list[bytes] = []

    class Reading(Recipe):
        def __call__(self, path: Path) -> Iterable[Line]:
            job = json.loads(path.read_bytes())
            seen.extend(Path(place).read_bytes() for place in (job["champion"], job["arms"][0]["initial_weights"]))
            with np.load(job["data"]) as data:
                assert (data["x"] == ROWS[0]).all()
                assert (data["y"] == ROWS[1]).all()
            return super().__call__(path)

    actuator = RetrainActuator(FixedHistory(ROWS), store, InlineLauncher({"test": Reading()}), tmp_path / "jobs")
    arm = Arm(name="maml", hyperparameters={"lr": 0.1}, initial_weights=initial)

    reports = run(actuator.start(command(arm, champion_artifact=champion)))

    assert arms(reports) == {"maml": ""}
    assert seen == [b"champion", b"initial"]


def test_names_follow_from_the_action() -> None:
    """Version and seed are hashes: another process finds the same ones."""
    assert version_of(ACTION, "warm") == f"warm-{digest_of((ACTION + 'warm').encode())[:8]}"
    assert seed_of(ACTION) == int(digest_of(ACTION.encode())[:16], 16) >> 1


def test_other_commands_are_not_for_this_hand(
    hand: Callable[..., RetrainActuator], event: Callable[..., Event], labels: Callable[..., Labels | Samples]
) -> None:
    """A type it does not know is nobody's."""
    assert hand().start(event(labels([1]), 1)) is None
