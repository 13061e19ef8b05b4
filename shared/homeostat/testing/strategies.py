"""Made-up payloads and logs for property tests of folds and targets. Needs hypothesis.

@given(records(TIMELINE, signals()))
def test_my_fold_conforms(records: list[Record]) -> None:
    for check in CHECKS:
        check(MyFold, records)
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from hypothesis import strategies as st

from homeostat.codec import Record
from homeostat.codec.envelope import envelope
from homeostat.core import Payload
from homeostat.core.identity import emit_id, sequence
from homeostat.events import (
    BillReceived,
    DeploymentObserved,
    FeatureContract,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
    SliObserved,
)
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import by_name

FEATURES: Final = ("age", "mood")
"""Monitored features of made-up models and samples."""

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ROLES: Final[tuple[Role, ...]] = ("champion", "canary", "shadow")
_START_MS: Final = 1_700_000_000_000


def names() -> st.SearchStrategy[str]:
    """Scopes, families, models, versions."""
    return st.builds(str.__add__, st.sampled_from(_ALPHABET), st.text(_ALPHABET + "_.-", max_size=20))


def subjects() -> st.SearchStrategy[str]:
    """`scope/model` or `scope/family`."""
    return st.builds("{}/{}".format, names(), names())


def numbers(low: float = -1e6, high: float = 1e6) -> st.SearchStrategy[float]:
    """Finite numbers that JSON carries without loss to 9 digits."""
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda n: n / 1000)


def models() -> st.SearchStrategy[ModelRegistered]:
    """Registrations with the features of `FEATURES` and inputs of width 3."""
    return st.builds(
        ModelRegistered,
        family=names(),
        kind=st.sampled_from(("classifier", "regressor")),
        features=st.just(tuple(FeatureContract(name=name) for name in FEATURES)),
        input_width=st.just(3),
        champion=names(),
        tier=st.sampled_from(("low", "medium", "high")),
    )


@st.composite
def samples(
    draw: st.DrawFn,
    requests: Sequence[str] | None = None,
    version: str = "v1",
    role: Role | None = None,
    max_rows: int = 8,
) -> Samples:
    """Rows that one version served: features of `FEATURES` (NaN where missing), labels at times, inputs of width 3.

    Args:
        draw: hypothesis'.
        requests: Ids of the rows; drawn if None.
        version: Who answered.
        role: Drawn if None.
        max_rows: At most, if `requests` is None.
    """
    ids = list(requests or draw(st.lists(names(), min_size=1, max_size=max_rows, unique=True)))
    n, was = len(ids), draw(st.sampled_from(_ROLES)) if role is None else role

    def column(values: st.SearchStrategy[float | None], size: int = n) -> bytes:
        return pack(draw(st.lists(values, min_size=size, max_size=size)))

    narrow = st.floats(-100, 100, width=32)
    features = draw(st.lists(narrow | st.just(float("nan")), min_size=n * len(FEATURES), max_size=n * len(FEATURES)))
    captured = sorted(draw(st.sets(st.integers(0, n - 1))))
    inputs = draw(st.lists(narrow, min_size=3 * len(captured), max_size=3 * len(captured)))
    return Samples(
        version=version,
        role=was,
        request=ids,
        time=column(numbers(0.0, 1e6)),
        features=list(FEATURES),
        values=pack(features, F4),
        prediction=column(st.integers(0, 9).map(float)),
        score=column(st.floats(0, 1)),
        label=column(st.none() | st.integers(0, 9).map(float)) if draw(st.booleans()) else b"",
        captured=captured,
        inputs=pack(inputs, F4),
    )


@st.composite
def labels(draw: st.DrawFn, requests: Sequence[str] | None = None) -> Labels:
    """Late truth as a door gets it.

    Args:
        draw: hypothesis'.
        requests: Ids of the rows, for example some of `Samples.request`; drawn if None.
    """
    ids = list(requests or draw(st.lists(names(), min_size=1, max_size=8, unique=True)))
    truth = draw(st.lists(st.integers(0, 9), min_size=len(ids), max_size=len(ids)))
    return Labels(request=ids, label=pack(truth), time=pack(np.full(len(ids), draw(numbers(0.0, 1e6)))))


def signals() -> st.SearchStrategy[SignalObserved]:
    """Signals of any layer."""
    layers = st.sampled_from(("edge", "network", "service", "data", "kubernetes", "observability"))
    attributes = st.dictionaries(names(), st.sampled_from(("a", 1, 0.5, True)), max_size=2)
    return st.builds(SignalObserved, layer=layers, name=names(), value=numbers(), attributes=attributes)


def slis() -> st.SearchStrategy[SliObserved]:
    """Service level indicators."""
    layers = st.sampled_from(("latency", "business", "cost", "availability"))
    return st.builds(SliObserved, layer=layers, name=names(), value=numbers(), window_seconds=numbers(0.001, 3600.0))


def bills() -> st.SearchStrategy[BillReceived]:
    """Charges for all trainings of a model."""
    amounts, bill = numbers(0.0, 1e4), st.sampled_from(("b-1", "b-2"))
    return st.builds(BillReceived, bill=bill, from_time=st.just(0), to_time=st.just(2 * _START_MS), amount=amounts)


def deployments() -> st.SearchStrategy[DeploymentObserved]:
    """Changes of what serves that somebody else made."""
    return st.builds(DeploymentObserved, version=names())


def observations() -> st.SearchStrategy[Payload]:
    """What a client may publish about a model."""
    return st.one_of(models(), samples(), labels(), signals(), slis(), deployments(), bills())


@st.composite
def records(
    draw: st.DrawFn,
    topic: str,
    payloads: st.SearchStrategy[Payload],
    subject: st.SearchStrategy[str] | None = None,
    max_size: int = 30,
) -> list[Record]:
    """One partition of a log, at least one record, in offset order, with times that never go back.

    Args:
        draw: hypothesis'.
        topic: A door gets records as clients write them; another log gets them in sequence, as a fold would.
        payloads: What lies in it.
        subject: Keys; two of them if None.
        max_size: Records at most.
    """
    keys = st.sampled_from(("team/m0", "team/m1")) if subject is None else subject
    lines = draw(st.lists(st.tuples(keys, payloads, st.integers(0, 5_000)), min_size=1, max_size=max_size))
    is_door, now, made = by_name(topic).kind == "door", _START_MS, []
    for offset, (key, data, millis) in enumerate(lines):
        now += millis
        made.append(_record(topic, offset, now, key, data, is_door=is_door))
    return made


def _record(topic: str, offset: int, now: int, key: str, data: Payload, *, is_door: bool) -> Record:
    number = None if is_door else sequence(offset)
    made = envelope(topic, key, data, id_=emit_id(offset), source="/homeostat/made-up", time=now, sequence=number)
    return Record(topic, "made-up", 0, offset, now, made.key, made.value, made.headers)
