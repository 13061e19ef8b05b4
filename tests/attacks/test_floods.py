"""Strangers write as much as they like: the law hears people, memory stays bounded, and what is left out is counted."""

import os
from base64 import b64encode

import pytest
from tests.attacks.doors import Doors

from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Output
from homeostat.events import ActionProposed, FreezeSet, ModelRegistered, Samples
from homeostat.events.columns import pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, REQUESTS, TELEMETRY, TIMELINE
from homeostat.runtime import newcomers
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.newcomers import EVERYBODY, Newcomers
from homeostat.runtime.refusals import EVERY, FEW, FREE
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.intake.claims import UNPROVEN, WINDOW_MS
from homeostat.services.intake.registrations import PER_HOUR
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.meta_learner import threshold_queue
from homeostat.services.meta_learner.fold import MetaLearner
from homeostat.testing.enrolled import key_of

MODEL = ModelRegistered(family="f", champion="v1")
FREEZE = FreezeSet(scope="acme", valid_until=1_700_000_600_000)
N = 3_000


def pour(log: MemoryLog, *outputs: Output) -> None:
    """Write records at once."""
    for output in outputs:
        log.append(output)


def requests(n: int, *claims: tuple[str, bytes]) -> list[Output]:
    """Freezes that nobody signed, whatever they claim."""
    builder = EventBuilder("/flood")
    found = [builder.build(REQUESTS, "acme", FREEZE, 1) for _ in range(n)]
    for output in found:
        output.headers.extend(claims)
    return found


def admitted(log: MemoryLog) -> list[bytes]:
    """Ids of what went on to the law, as their senders named them."""
    return [dict(record.headers)["ce_causationid"] for record in log.all(GOVERNANCE)]


@pytest.mark.parametrize(
    "claims",
    [
        [],
        [("signature", b"junk"), ("key-id", b"nobody")],
        [("signature", b64encode(b"\xff" * 64)), ("key-id", key_of("ann").key_id.encode())],
        [
            ("signature", b64encode(b"\x01" * 64)),
            ("key-id", key_of("ann").key_id.encode()),
            ("public-key", key_of("ann").public_key_hex.encode()),
        ],
        [
            ("signature", b64encode(b"\x01" * 64)),
            ("key-id", key_of("ann").key_id.encode()),
            ("public-key", key_of("eve").public_key_hex.encode()),
        ],
    ],
)
def test_nothing_of_a_flood_of_requests_reaches_the_law_but_what_is_signed(claims: list[tuple[str, bytes]]) -> None:
    """Threat: fifty thousand requests without a signature, or with junk for one, in front of a freeze."""
    log, freeze = MemoryLog(partitions=1), EventBuilder("/cli").build(REQUESTS, "acme", FREEZE, 1, key=key_of("ann"))
    pour(log, *requests(N, *claims), freeze)

    host = MemoryHost(log, RequestsIntake())
    host.run()

    assert len(admitted(log)) == 1
    (door,) = host.assignments
    assert len(door.states) == 1
    assert sum(door.refused.values()) == N
    assert door.n_left_out >= (N - FREE) * (EVERY - 1) // EVERY - EVERY


def test_what_only_names_a_key_goes_on_in_numbers_and_never_instead_of_what_proves_it() -> None:
    """Threat: well-formed junk under the id of a key that counts; the law would have to look at every one."""
    log, ann = MemoryLog(partitions=1), key_of("ann")
    claims = [("signature", b64encode(b"\x01" * 64)), ("key-id", ann.key_id.encode())]
    freeze = EventBuilder("/cli").build(REQUESTS, "acme", FREEZE, 1, key=ann)
    pour(log, *requests(N, *claims), freeze)

    host = MemoryHost(log, RequestsIntake())
    host.run()

    assert len(admitted(log)) == UNPROVEN + 1
    assert host.assignments[0].refused == {"too_many_requests": N - UNPROVEN}
    log.now += WINDOW_MS
    pour(log, *requests(1, *claims))
    host.run()
    assert len(admitted(log)) == UNPROVEN + 2


def test_made_up_scopes_make_no_states_at_the_doors_of_what_is_signed() -> None:
    """Threat: a state, and a snapshot, for every scope that somebody writes into a key."""
    log, builder = MemoryLog(partitions=1), EventBuilder("/flood")
    for number in range(100):
        output = builder.build(REQUESTS, f"s{number}", FreezeSet(scope=f"s{number}"), 1)
        output.headers.extend([("signature", b64encode(b"\x01" * 64)), ("key-id", b"0123456789abcdef")])
        log.append(output)

    host = MemoryHost(log, RequestsIntake())
    host.run()

    assert len(admitted(log)) == 100
    assert len(host.assignments[0].states) == 1


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches."""
    monkeypatch.setattr(newcomers, "SUBJECTS_OF_SCOPE", 50)
    monkeypatch.setattr(newcomers, "SUBJECTS", 120)


def test_a_flood_of_models_ends_at_the_door(narrow: None) -> None:
    """Threat: a hundred thousand models in one scope, each with a state in every service and a line in every log."""
    log, builder = MemoryLog(partitions=1), EventBuilder("/flood")
    honest = builder.build(TELEMETRY, "acme/honest", MODEL, 1)
    pour(log, honest, *(builder.build(TELEMETRY, f"acme/m{n}", MODEL, 1) for n in range(N)))
    other = builder.build(TELEMETRY, "else/m", MODEL, 1)
    rows = Samples("v1", "champion", ["r"], pack([1.0]), [], b"", pack([1.0]), pack([0.5]))
    pour(log, other, builder.build(TELEMETRY, "acme/honest", rows, 1))

    host = MemoryHost(log, TelemetryIntake())
    host.run()

    (door,) = host.assignments
    assert len(door.states) == 51
    assert door.refused == {"subjects_exceeded": N - 49}
    assert door.n_left_out >= (N - 49 - FEW) * (EVERY - 1) // EVERY - EVERY
    for topic in (TIMELINE, EXPERIENCE, GOVERNANCE):
        assert len([r for r in log.all(topic) if b"registered" in dict(r.headers)["ce_type"]]) == 51
    assert [r.key for r in log.all(TIMELINE)][-2:] == [b"else/m", b"acme/honest"], "others, and who was there, go on"


def test_a_flood_of_scopes_ends_at_the_door_too(narrow: None) -> None:
    """Threat: a scope for every model, each below its bound."""
    log, builder = MemoryLog(partitions=1), EventBuilder("/flood")
    pour(log, *(builder.build(TELEMETRY, f"s{n}/m", MODEL, 1) for n in range(500)))

    host = MemoryHost(log, TelemetryIntake())
    host.run()

    assert len(host.assignments[0].states) == 120
    ingress = host.assignments[0]._ingress  # noqa: SLF001  # what a door remembers of whom it has let in shows nowhere
    assert ingress is not None
    assert len(ingress.tally.newcomers.n) == 121


def test_who_was_let_in_is_let_in_again_behind_a_torn_snapshot() -> None:
    """The counts may be ahead of a state: what was said of a record is said again, and nothing is counted twice."""
    counts = Newcomers(n={"a": 10_000, EVERYBODY: 10_000})
    assert counts.refuses("a", (0, 77), 1, is_counted=False) == "a"

    assert counts.refuses("a", (0, 76), 1, is_counted=True) == ""
    assert counts.refuses("a", (0, 77), 1, is_counted=True) == "a"
    assert counts.refuses("a", (0, 90), 1, is_counted=True) == "a"
    assert counts.refuses("b", (0, 90), 1, is_counted=True) == ""
    assert counts.refuses("a", (1, 5), 1, is_counted=True) == "", "the door was made again: its offsets begin anew"
    assert counts.closed == {"a": (0, 77)}
    assert counts.refuses("a", (1, 9), 1, is_counted=False) == "a"
    assert counts.closed == {"a": (1, 9)}


def test_a_model_that_registers_all_the_time_is_no_news() -> None:
    """Threat: one model, registered a hundred thousand times; the law would fold every one."""
    doors = Doors()
    doors.send("acme/m", *[MODEL] * (3 * PER_HOUR))

    assert len(doors.events(GOVERNANCE, of=ModelRegistered)) == 1
    assert len(doors.events(TIMELINE, of=ModelRegistered)) == PER_HOUR
    doors.send("acme/m", MODEL.model_copy(update={"champion": "v2"}))
    assert doors.refusals()[-1].reason == "registration_rate"
    doors.log.now += 3_600_001
    doors.send("acme/m", MODEL.model_copy(update={"tier": "high"}), MODEL)
    assert [event.data.tier for event in doors.events(GOVERNANCE, of=ModelRegistered)][1:] == ["high", "low"]


def test_a_model_without_rows_costs_the_detector_little() -> None:
    """Threat: every name that somebody registers has detectors for each feature from then on."""
    log = MemoryLog(partitions=1)
    pour(log, EventBuilder("/flood").build(TELEMETRY, "acme/m", MODEL, 1))
    MemoryHost(log, TelemetryIntake()).run()
    host = MemoryHost(log, DriftDetector())
    host.run()

    (state,) = host.assignments[0].states.values()

    assert (state.family, state.champion.version, state.is_laid_out) == ("f", "v1", False)
    assert state.monitors.rows is None


def test_registrations_lead_to_a_few_thresholds_a_second() -> None:
    """Threat: each registration makes the learner propose, the governor decide, a hand act and report."""
    log, builder = MemoryLog(partitions=1), EventBuilder("/flood")
    pour(log, *(builder.build(TELEMETRY, f"acme/m{n}", MODEL, 1) for n in range(500)))
    MemoryHost(log, TelemetryIntake()).run()
    learner = MemoryHost(log, MetaLearner())

    def proposed() -> int:
        learner.run()
        return sum(dict(r.headers)["ce_type"] == ActionProposed.TYPE.encode() for r in log.all(GOVERNANCE))

    assert proposed() == threshold_queue.PER_WINDOW
    (state,) = learner.assignments[0].states.values()
    assert len(state.threshold_queue.waiting) == 500 - threshold_queue.PER_WINDOW
    for number in range(2, 5):
        log.now += threshold_queue.WINDOW_MS
        learner.tick()
        assert proposed() == number * threshold_queue.PER_WINDOW


def test_junk_is_as_random_as_it_likes() -> None:
    """No signature of random bytes passes the form by accident and the check after it."""
    log, ann = MemoryLog(partitions=1), key_of("ann")
    public = [("key-id", ann.key_id.encode()), ("public-key", ann.public_key_hex.encode())]
    for _ in range(200):
        pour(log, *requests(1, ("signature", b64encode(os.urandom(64))), *public))

    MemoryHost(log, RequestsIntake()).run()

    assert admitted(log) == []
