"""What `Served` adds to a model that serves itself: one request at a time, at a stated rate."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from homeostat.artifacts import FolderStore
from homeostat.client import Client
from homeostat.events import FeatureContract, ModelRegistered
from homeostat.inputs import Category, Inputs, Number, Text
from homeostat.runtime.settings import HostSettings
from homeostat.serving import Served
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import BenchFailed, Row, quantile, row

RATE: Final = 1_000.0
"""Requests per second."""

_MODEL: Final = "bench/served"
_FEATURES: Final = tuple(f"f{number}" for number in range(20))
_INPUTS: Final = Inputs(
    {name: Number(may_be_missing=True) for name in _FEATURES[:17]},
    city=Category("Rome", "Oslo", "Lima"),
    plan=Category("free", "paid"),
    title=Text(),
)
_WEIGHTS: Final = np.linspace(-1.0, 1.0, len(_FEATURES))
_NOWHERE: Final = "127.0.0.1:1"


def serving(ground: Ground, *, n: int) -> Iterator[Row]:
    """Measure the time that a call takes beyond the model's own, one row a request, everything captured.

    Args:
        ground: Where it publishes; nobody reads.
        n: Requests of each kind.
    """
    ground.create([], "homeostat.telemetry")
    numbers = np.random.default_rng(0).normal(size=(n, 1, len(_FEATURES)))
    tables = [
        {
            **{name: row[:, place] for place, name in enumerate(_FEATURES[:17])},
            "city": ["Oslo"],
            "plan": [None],
            "title": ["a"],
        }
        for row in numbers
    ]
    away = HostSettings(bootstrap_servers=_NOWHERE, data_dir=ground.settings.data_dir)
    yield from _overhead("20 numbers", ground, ground.settings, list(numbers), features=_FEATURES)
    yield from _overhead("17 numbers, 2 categories, a text", ground, ground.settings, tables, inputs=_INPUTS)
    yield from _overhead("20 numbers, no broker answers", ground, away, list(numbers), features=_FEATURES)


def _overhead(what: str, ground: Ground, settings: HostSettings, rows: list[Any], **layout: Any) -> Iterator[Row]:
    client = Client(source="/bench", settings=settings)
    store = FolderStore(ground.folder / "artifacts")
    served = Served(_MODEL, "v1", _predict, load=lambda _: _predict, client=client, store=store, capture=1.0, **layout)
    if settings is ground.settings:
        width = _INPUTS.width if "inputs" in layout else len(_FEATURES)
        names = _INPUTS.watched if "inputs" in layout else _FEATURES
        features = tuple(FeatureContract(name=name) for name in names)
        registered = ModelRegistered(family="any", champion="v1", features=features, input_width=width)
        client.publish(None, _MODEL, registered)
    alone = _times(_predict, rows)
    calls = _times(served, rows)
    if settings is ground.settings:
        served.close()
        client.close()
    if served.n_refused:
        raise BenchFailed(f"{served.n_refused} events refused: {served.refusal}")
    for share in (0.5, 0.95, 0.99):
        own = quantile(alone, share)
        yield row(
            f"served, {what}, {RATE:,.0f} requests/s: a call beyond the model's own, p{share * 100:g}",
            "ms",
            [1000 * (quantile(calls, share) - own)],
            reference="the model alone",
            references=[1000 * own],
        )
    yield row(f"served, {what}: rows dropped", "rows", [float(served.n_dropped)])


def _times(call: Callable[[Any], Any], rows: list[Any]) -> list[float]:
    """Seconds of each call, at the rate; one that is late is made at once."""
    found, due = [], time.perf_counter()
    for each in rows:
        due = max(due + 1.0 / RATE, time.perf_counter() - 0.1)
        time.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        call(each)
        found.append(time.perf_counter() - started)
    return found


def _predict(x: Any) -> Any:
    if isinstance(x, dict):
        return x["f0"] > 0
    return np.asarray(x) @ _WEIGHTS
