"""From a retrain command to its reports."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save_file

from homeostat.artifacts import ArtifactStore, digest_of
from homeostat.core import Event, Reject, Report, Retry, Task
from homeostat.events import ActionFailed, Arm, CandidateTrained, InstancePrice, Labels, Plan, Range, Samples
from homeostat.services.retrain_actuator.code import environment
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows
from homeostat.services.retrain_actuator.recipes.job import Line
from homeostat.services.retrain_actuator.reports import seed_of, version_of
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher

ACTION = "/homeostat/meta_learner/x#1.0"
ROWS: Rows = (np.ones((5, 2), np.float32), np.arange(5, dtype=np.float64))
MakeCommand = Callable[..., Event]


class FixedHistory:
    """Rows, or what stands in their way, one answer after the other."""

    def __init__(self, *answers: Rows | Exception) -> None:
        self.answers = list(answers)

    def labelled(self, window: Range, subject: str) -> Rows:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


_WILD: dict[str, dict[str, Any]] = {
    "slow": {"seconds": -1.0},
    "steep": {"loss_curve": (1e300, 1.0)},
    "large": {"rows": 10**30},
}


class Recipe:
    """Trains by writing one tensor; arms called `bad…` fail, `nan…` are not finite, `lost…` write nothing,
    and `crash…` end the run; `slow`, `steep` and `large` tell of impossible numbers, `where` of another machine.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, object]] = []

    def __call__(self, path: Path) -> Iterable[Line]:
        job = json.loads(path.read_bytes())
        self.jobs.append(job)
        for arm in job["arms"]:
            name = arm["arm"]
            if name.startswith("crash"):
                return
            if name.startswith("bad"):
                yield Line(name, error="it did not converge")
                continue
            if not name.startswith("lost"):
                value = np.nan if name.startswith("nan") else float(job["seed"] % 7)
                save_file({"w1": np.full((2, 2), value, np.float32)}, Path(job["out"]) / f"{name}.safetensors")
            numbers: dict[str, Any] = {"seconds": 0.5, "rows": 5, "loss_curve": (2.0, 1.0)} | _WILD.get(name, {})
            if name == "where":
                numbers["environment"] = {"gpu": "H200", "python": "3.99", "no name": "x", "": "x", "long": "x" * 3000}
            yield Line(name, f"{name}.safetensors", **numbers)


class Clock:
    """Time that moves by half a second each time it is read."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


@pytest.fixture
def recipe() -> Recipe:
    return Recipe()


@pytest.fixture
def hand(store: ArtifactStore, recipe: Recipe, tmp_path: Path) -> Callable[..., RetrainActuator]:
    def make(*answers: Rows | Exception) -> RetrainActuator:
        launcher = InlineLauncher({"test": recipe})
        return RetrainActuator(FixedHistory(*(answers or (ROWS,))), store, launcher, tmp_path / "jobs", clock=Clock())

    return make


def run(task: Task | None) -> list[Report]:
    assert task is not None
    found: list[Report] = []
    for _ in range(200):
        found += task.poll()
        if task.is_done:
            return found
    raise AssertionError("the task does not end")


def arms(reports: list[Report]) -> dict[str, str]:
    """Arm to its error, empty if it was trained."""
    return {report.data.arm: report.data.error for report in reports if isinstance(report.data, CandidateTrained)}


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


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        ("bad", "converge"),
        ("nan", "not finite"),
        ("lost", "no usable weights"),
        ("crash", "ended with"),
        ("slow", "cannot be"),
        ("steep", "cannot be"),
        ("large", "cannot be"),
    ],
)
def test_an_arm_that_fails_leaves_the_others(
    hand: Callable[..., RetrainActuator], command: MakeCommand, arm: str, why: str
) -> None:
    """Whatever one arm does, the others are trained; the action has not failed."""
    reports = run(hand().start(command("first", arm, "last")))

    found = arms(reports)
    assert why in found.pop(arm)
    assert found == {"first": "", "last": ""}
    assert not any(isinstance(report.data, ActionFailed) for report in reports)


def test_a_failed_arm_has_no_version(hand: Callable[..., RetrainActuator], command: MakeCommand) -> None:
    """Neither version nor artifact, so that nobody can roll it out."""
    data = run(hand().start(command("bad", "warm")))[0].data

    assert isinstance(data, CandidateTrained)
    assert (data.version, data.artifact) == (None, None)


@pytest.mark.parametrize(
    ("names", "changes", "answer", "reason"),
    [
        (("bad", "nan"), {}, ROWS, "all_arms_failed"),
        (("warm",), {"plan": Plan(recipe="other")}, ROWS, "all_arms_failed"),
        (("warm",), {"champion_artifact": "0" * 64}, ROWS, "all_arms_failed"),
        ((), {}, ROWS, "all_arms_failed"),
        (("warm",), {}, (np.empty((0, 0), np.float32), np.empty(0)), "no_data"),
        (("warm",), {}, Retry("the end cannot be seen"), "no_data"),
        (("warm",), {}, Reject("id_invalid", "not a range"), "no_data"),
    ],
)
def test_without_any_arm_the_action_has_failed(
    hand: Callable[..., RetrainActuator],
    command: MakeCommand,
    names: tuple[str, ...],
    changes: dict[str, object],
    answer: Rows | Exception,
    reason: str,
) -> None:
    """After the arms comes one `action.failed` with a stable reason."""
    reports = run(hand(answer).start(command(*names, **changes)))

    assert list(arms(reports)) == list(names)
    last = reports[-1].data
    assert isinstance(last, ActionFailed)
    assert last.reason == reason
    assert last.detail


def test_missing_initial_weights_fail_their_arm_only(
    hand: Callable[..., RetrainActuator], command: MakeCommand
) -> None:
    """An arm without weights to start from is no reason to stop the others."""
    reports = run(hand().start(command(Arm(name="maml", initial_weights="0" * 64), "warm")))

    found = arms(reports)
    assert "artifact_missing" in found["maml"]
    assert found["warm"] == ""


def test_data_that_is_late_is_waited_for(hand: Callable[..., RetrainActuator], command: MakeCommand) -> None:
    """A range whose end cannot be seen yet is asked for again."""
    reports = run(hand(Retry("not yet"), Retry("not yet"), ROWS).start(command("warm")))

    assert arms(reports) == {"warm": ""}


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


def test_names_follow_from_the_action() -> None:
    """Version and seed are hashes: another process finds the same ones."""
    assert version_of(ACTION, "warm") == f"warm-{digest_of((ACTION + 'warm').encode())[:8]}"
    assert seed_of(ACTION) == int(digest_of(ACTION.encode())[:16], 16) >> 1


def test_other_commands_are_not_for_this_hand(
    hand: Callable[..., RetrainActuator], event: Callable[..., Event], labels: Callable[..., Labels | Samples]
) -> None:
    """A type it does not know is nobody's."""
    assert hand().start(event(labels([1]), 1)) is None
