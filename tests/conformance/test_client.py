"""Client and doors agree: what it accepts they admit; what they refuse for what it is, it refuses before."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.conformance.extreme_ground import FITTING, forms
from tests.conformance.extremes import extremes
from tests.support import invalid_events as nonsense

from homeostat.client import Client
from homeostat.client.checking import Checker
from homeostat.client.event_builder import EventBuilder
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Output, Record, decode_event
from homeostat.core import Fold, Payload, Reject
from homeostat.events import Data, EventRefused, FeatureContract, Labels, ModelRegistered, Samples
from homeostat.events.bounds import LARGEST
from homeostat.events.columns import F4, F8
from homeostat.events.logs import DOORS, QUARANTINE, REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.replay import replay
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake

FOLDS: Final[dict[str, Callable[[], Fold[Any]]]] = {
    TELEMETRY: TelemetryIntake,
    TRACES: TracesIntake,
    REQUESTS: RequestsIntake,
    REPORTS: ReportsIntake,
}
SUBJECTS: Final = {TELEMETRY: "team/model", TRACES: "team/family", REQUESTS: "team", REPORTS: "team/model"}
MODEL: Final = "team/model"
CONTRACT: Final = ModelRegistered(
    family="family",
    champion="v1",
    input_width=2,
    features=(FeatureContract(name="heat", low=-1.0, high=1.0, required=True), FeatureContract(name="load")),
    personal_features=("name",),
)
MEMORY: Final = {"label_unmatched", "model_unregistered"}
"""Reasons that only a door can know: what was served, and what others have registered."""


def refusals(outputs: list[Output], door: str = TELEMETRY) -> list[str]:
    """Reasons for which a door refuses some of the records of one partition, in order."""
    records = [Record(door, "topic", 0, n, 1000, o.key, o.value, o.headers) for n, o in enumerate(outputs)]
    found = []
    for output in replay(FOLDS[door](), records, lambda _: 1):
        if output.topic == QUARANTINE:
            record = Record(output.topic, "", 0, 0, 0, output.key, output.value, output.headers)
            refused = decode_event(record, time=0, emitter="", is_door=False).data
            assert isinstance(refused, EventRefused)
            found.append(refused.reason)
    return found


def refused_by(checker: Checker, output: Output) -> str | None:
    """The reason for which the client does not send a record."""
    try:
        checker.check(output)
    except Reject as reject:
        return reject.reason
    return None


@pytest.mark.parametrize("door", DOORS)
def test_nonsense_does_not_leave_the_client(door: str) -> None:
    """Whatever a door refuses without its memory, the client refuses for the same reason."""
    for bad in [bad for bad in nonsense.of_every_kind() if bad.door == door]:
        checker = Checker("/me")
        checker.check(EventBuilder("/owner").build(TELEMETRY, nonsense.MODEL, nonsense.CONTRACT))
        output = Output(bad.door, 0, bad.key or b"", bad.value, bad.headers)

        assert refused_by(checker, output) == (None if bad.reason in MEMORY else bad.reason), bad


def changes(type_: type[Data]) -> Iterator[dict[str, Any]]:
    """Fields of a payload: the usual ones, then each extreme value of each of them in turn."""
    usual = {name: values[0] for name, values in extremes(type_).items()} | FITTING.get(type_, {})
    yield usual
    for name, values in extremes(type_).items():
        for value in values:
            yield usual | {name: value}


@pytest.mark.parametrize("door", DOORS)
def test_the_client_and_a_door_agree_on_every_field(door: str) -> None:
    """Of every type that a door takes, with each extreme value of each field: both refuse it, or neither does."""
    subject, builder, n = SUBJECTS[door], EventBuilder("/me"), 0
    registered = builder.build(TELEMETRY, MODEL, ModelRegistered(family="v0", champion="v1", input_width=3))
    for type_ in forms(door):
        for fields in changes(type_):
            try:
                data = type_.model_validate(fields)
            except ValidationError:
                continue
            checker = Checker("/me")
            if door == TELEMETRY:
                checker.check(registered)
            output, n = builder.build(door, subject, data), n + 1
            found = refusals([registered, output] if door == TELEMETRY else [output], door)

            assert [reason for reason in found if reason not in MEMORY] == [
                reason for reason in [refused_by(checker, output)] if reason is not None
            ], (type_, fields)
    assert n > 20


ODD: Final = [np.inf, -np.inf, np.nan, 1e30, -1e30, 3.4e38, 1e12, 253_402_300_799.0]
NUMBERS = st.one_of(st.floats(), st.floats(-2, 2), st.sampled_from(ODD))
NAMES = st.one_of(st.sampled_from(["heat", "load", "name", "other", "no name"]), st.text(max_size=3))


@st.composite
def columns(draw: st.DrawFn, dtype: Any, n: int) -> bytes:
    """A column of about n numbers."""
    length = draw(st.sampled_from([n, n, n, n, 0, n + 1]))
    with np.errstate(over="ignore"):
        return np.array(draw(st.lists(NUMBERS, min_size=length, max_size=length)), F8).astype(dtype).tobytes()


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    """Samples or labels, mostly as they should be."""
    n = draw(st.integers(0, 3))
    request = draw(st.lists(st.one_of(st.text(max_size=4), st.just("r" * 129)), min_size=n, max_size=n))
    assume(all(one.isprintable() or one.isascii() for one in request))
    if draw(st.booleans()):
        return Labels(request, draw(columns(F8, n)), draw(columns(F8, n)))
    features = draw(st.lists(NAMES, max_size=3))
    captured = draw(st.lists(st.integers(-1, 3), max_size=2))
    return Samples(
        version=draw(st.sampled_from(["v1", "", "v 1"])) if draw(st.booleans()) else "v1",
        role="champion",
        request=request,
        time=draw(columns(F8, n)),
        features=features,
        values=draw(columns(F4, n * len(features))),
        prediction=draw(columns(F8, n)),
        score=draw(columns(F8, n)),
        label=draw(st.one_of(st.just(b""), columns(F8, n))),
        latency_seconds=draw(st.one_of(st.just(b""), columns(F8, n))),
        captured=captured,
        inputs=draw(st.one_of(columns(F4, 2 * len(captured)), st.just(b""))),
    )


@settings(max_examples=400, deadline=None)
@given(data=payloads())
def test_the_client_and_the_door_agree_on_columns(data: Payload) -> None:
    """Whatever is in them: the same reason from both, or from neither."""
    builder, checker = EventBuilder("/me"), Checker("/me")
    registered, output = (builder.build(TELEMETRY, MODEL, one) for one in (CONTRACT, data))
    checker.check(registered)

    found = [reason for reason in refusals([registered, output]) if reason not in MEMORY]

    assert found == [reason for reason in [refused_by(checker, output)] if reason is not None]


SCALARS = st.one_of(NUMBERS, st.integers(-(2**70), 2**70), st.none(), st.booleans(), st.text(max_size=2))
TIMES = st.one_of(
    SCALARS,
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.builds(np.datetime64, st.integers(-(2**40), 2**40), st.sampled_from(["D", "h", "s", "ms", "us", "ns"])),
    st.lists(st.datetimes(), max_size=3),
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of `publish_samples` and of `publish_labels`; one of them, at the most, is odd."""
    n = draw(st.integers(1, 3))
    good, odd = st.lists(st.floats(-1, 1), min_size=n, max_size=n), st.lists(SCALARS, min_size=0, max_size=3)
    rows = st.one_of(st.lists(SCALARS, min_size=n, max_size=n), st.lists(NUMBERS, min_size=n, max_size=n))
    arguments: dict[str, Any] = {
        "model": MODEL,
        "version": "v1",
        "prediction": draw(good),
        "request": None,
        "features": {"heat": draw(good)},
        "score": draw(st.one_of(st.none(), good)),
        "label": draw(st.one_of(st.none(), good)),
        "time": draw(st.floats(0, 2e9)),
        "inputs": [[0.0, 1.0]] * n,
        "latency_seconds": draw(st.one_of(st.none(), good.map(np.abs))),
    }
    strange: dict[str, st.SearchStrategy[Any]] = {
        "model": st.text(max_size=3),
        "version": st.text(max_size=3),
        "prediction": st.one_of(rows, odd, NUMBERS),
        "request": st.one_of(rows, odd),
        "features": st.dictionaries(NAMES, st.one_of(good, rows), max_size=3),
        "score": st.one_of(rows, odd),
        "label": st.one_of(rows, odd),
        "time": st.one_of(TIMES, odd),
        "inputs": st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=n, max_size=n),
        "latency_seconds": st.one_of(rows, odd),
    }
    name = draw(st.sampled_from(sorted(strange)))
    arguments[name] = draw(strange[name])
    labels = {"label": draw(st.one_of(good, good, rows, odd)), "time": draw(st.one_of(st.none(), TIMES))}
    if draw(st.booleans()):
        brought: dict[str, st.SearchStrategy[Any]] = {
            "version": st.one_of(st.just("v1"), st.just("v1"), st.text(max_size=3)),
            "prediction": st.one_of(good, good, rows, odd),
            "score": st.one_of(st.none(), good, rows, odd),
            "predicted": st.one_of(st.none(), TIMES, odd),
            "role": st.sampled_from(["champion", "canary", "shadow"]),
        }
        labels |= {name: draw(values) for name, values in brought.items() if draw(st.integers(0, 9))}
    return arguments, labels


@settings(max_examples=600, deadline=None)
@given(call=calls(), is_own=st.booleans(), source=st.sampled_from(["/me", "/ü", "/" + "x" * 399]))
def test_what_the_client_accepts_the_door_admits(
    call: tuple[dict[str, Any], dict[str, Any]], is_own: bool, source: str
) -> None:
    """Any arguments of `publish_samples` and `publish_labels`, of a model that it has registered itself or not.

    What others have registered it does not know: then the contract takes every column, score and width of inputs.
    """
    samples, labels = call
    width = next((len(row) for row in samples["inputs"]), 1)
    log = MemoryLog(partitions=1)
    client = Client(source=source, logs=MemoryLogs(log))
    if is_own:
        client.publish(None, MODEL, CONTRACT)
    else:
        contract = ModelRegistered(
            family="family", champion="v1", input_width=width, score_low=-LARGEST, score_high=LARGEST
        )
        Client(source="/owner", logs=MemoryLogs(log)).publish(None, MODEL, contract)

    with contextlib.suppress(Reject):
        client.publish_labels(MODEL, client.publish_samples(**samples), **labels)

    sent = [Output(TELEMETRY, 0, record.key or b"", record.value, record.headers) for record in log.all(TELEMETRY)]
    assert [reason for reason in refusals(sent) if reason not in MEMORY] == []
