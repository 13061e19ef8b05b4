"""The whole loop in memory, without labels: a drift is described and answered, and the answer says why."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.codec import decode_event
from homeostat.events import Arm, FamilyRegistered, FeatureContract, ModelRegistered
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, VERDICTS
from homeostat_lab.demo.memory_loop import InMemory, in_memory

MODEL, N_EVENTS, N_ROWS, ONSET = "t/m", 70, 100, 40
BEGIN = 1.7e9
STEP_SECONDS = 600.0


def said(system: InMemory, log: str, type_: str) -> list[Any]:
    """Payloads of a type, in order."""
    wanted = f"homeostat.{type_}.v1".encode()
    records = [record for record in system.records(log) if dict(record.headers)["ce_type"] == wanted]
    return [decode_event(one, time=one.timestamp, emitter="", is_door=False).data for one in records]


@pytest.fixture
def system() -> Iterator[InMemory]:
    with in_memory() as running:
        yield running


def play(system: InMemory, *, lag: int | None, until: int = N_EVENTS, registered: bool = True) -> None:
    """Ten minutes an event: inputs move at `ONSET`; labels come `lag` events later, of those before `until`."""
    client, rng = Client(source="/svc", logs=MemoryLogs(system.log)), np.random.default_rng(1)
    if registered:
        client.publish(None, "t/f", FamilyRegistered(arms=(Arm(name="a"),), baseline="a"))
    features = (FeatureContract(name="x"), FeatureContract(name="y"))
    client.publish(None, MODEL, ModelRegistered(family="f", champion="v1", features=features))
    waiting: list[tuple[Sequence[str], Any]] = []
    for event in range(N_EVENTS):
        is_moved, time = event >= ONSET, BEGIN + STEP_SECONDS * event
        requests = [f"{event}-{row}" for row in range(N_ROWS)]
        truth = rng.integers(2, size=N_ROWS)
        columns = {"x": rng.normal(size=N_ROWS) + 1.5 * is_moved, "y": rng.normal(size=N_ROWS)}
        client.publish_samples(
            MODEL,
            "v1",
            request=requests,
            prediction=np.where(rng.random(N_ROWS) < 0.1, 1 - truth, truth),
            features=columns,
            score=np.clip(rng.normal(0.6 if is_moved else 0.9, 0.03, N_ROWS), 0.0, 1.0),
            time=time,
        )
        waiting.append((requests, truth))
        if lag is not None and event - lag in range(until):
            about, labels = waiting[event - lag]
            client.publish_labels(MODEL, about, label=labels, time=time)
        system.log.now += int(1000 * STEP_SECONDS)
        system.settle(0, 0)


def answers(system: InMemory) -> list[Any]:
    """What was proposed about retraining."""
    return [one for one in said(system, GOVERNANCE, "action.proposed") if one.kind == "retrain"]


@pytest.mark.parametrize("registered", [True, False])
def test_moved_inputs_without_any_label_are_answered(system: InMemory, registered: bool) -> None:
    """With a profile, and a skip that is approved and says what is wanting: labels, or a family."""
    play(system, lag=None, registered=registered)

    drifts, profiles = said(system, EXPERIENCE, "drift.detected"), said(system, EXPERIENCE, "profile.updated")
    assert len(profiles) == len(drifts) >= 1
    assert all(profile.is_overdue for profile in profiles)
    assert profiles[0].meta_features["shift_max"] > 0.5
    assert profiles[0].meta_features["confidence_drop"] > 0.5
    assert [one.chosen for one in answers(system)] == ["skip"] * len(drifts)
    assert ("without labels" if registered else "publish family.registered") in answers(system)[0].reason
    verdicts = [one.verdict for one in said(system, VERDICTS, "verdict.given") if one.kind == "retrain"]
    assert verdicts == ["approved"] * len(drifts)
    assert not any("blind" in one.name for one in said(system, INDICATORS, "indicator.computed"))


def test_labels_that_come_hours_late_are_waited_for(system: InMemory) -> None:
    """They did so before, so nothing is said without them; then the profiles count them."""
    play(system, lag=24)

    profiles = said(system, EXPERIENCE, "profile.updated")

    assert said(system, EXPERIENCE, "drift.detected")
    assert [profile.labels_since_onset for profile in profiles if profile.labels_since_onset < 10] == []
    assert not any(profile.is_overdue for profile in profiles)
    assert profiles[0].labels_since_onset >= 10
    assert not any("without labels" in one.reason for one in answers(system))


def test_labels_that_came_an_hour_late_and_stop_are_not_waited_for_for_ever(system: InMemory) -> None:
    """After more than twice as long it is said, once."""
    play(system, lag=5, until=ONSET)

    (profile,) = said(system, EXPERIENCE, "profile.updated")

    assert profile.is_overdue
    assert [one.chosen for one in answers(system)] == ["skip"]
