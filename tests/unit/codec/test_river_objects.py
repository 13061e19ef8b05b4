"""River's objects as data: each goes on as one that was never stored, and nothing that is stored is believed."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from river import linear_model, preprocessing
from river.drift import ADWIN, KSWIN, NoDrift, PageHinkley
from river.drift.binary import HDDMA, HDDMW

from homeostat.codec import decode_state, encode_state
from homeostat.codec.river_objects import decode_river, encode_river
from homeostat.codec.state import StateInvalid

_OF_RIGHT_AND_WRONG = (HDDMA, HDDMW)
DETECTORS: dict[str, Callable[[], Any]] = {
    "adwin": ADWIN,
    "adwin_own": lambda: ADWIN(delta=0.01, clock=3, max_buckets=8, min_window_length=7, grace_period=20),  # type: ignore[no-untyped-call]  # river
    "kswin": lambda: KSWIN(seed=7),
    "kswin_own": lambda: KSWIN(alpha=0.01, window_size=60, stat_size=20, seed=12345),
    "page_hinkley": PageHinkley,
    "page_hinkley_up": lambda: PageHinkley(min_instances=10, delta=0.01, threshold=5.0, alpha=0.99, mode="up"),
    "hddm_a": HDDMA,
    "hddm_a_two_sided": lambda: HDDMA(two_sided_test=True),  # type: ignore[no-untyped-call]  # river
    "hddm_w": HDDMW,
    "hddm_w_two_sided": lambda: HDDMW(lambda_val=0.1, two_sided_test=True),  # type: ignore[no-untyped-call]  # river
}


def errors_of(detector: Any, n: int, seed: int) -> list[Any]:
    """A stream whose level changes four times."""
    chance, is_whole = random.Random(seed), isinstance(detector, _OF_RIGHT_AND_WRONG)
    levels = (0.1, 0.7, 0.2, 0.6, 0.05)
    wrong = [chance.random() < levels[5 * i // n] for i in range(n)]
    return list(wrong) if is_whole else [float(one) * chance.uniform(0.5, 1.0) for one in wrong]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_goes_on_as_one_that_was_never_stored(name: str) -> None:
    """Stored and read again at any place, behind any detection: the same findings, the same data."""
    straight, found = DETECTORS[name](), 0
    stored: Any = DETECTORS[name]()

    for i, error in enumerate(errors_of(straight, 3000, seed=3)):
        for detector in (straight, stored):
            detector.update(error)
        found += straight.drift_detected
        assert stored.drift_detected == straight.drift_detected
        if i < 200 or i % 29 == 0:
            raw = encode_river(stored)
            assert encode_river(straight) == raw
            stored = decode_river(raw)

    assert found >= 1


def test_a_regression_goes_on_as_one_that_was_never_stored() -> None:
    """With its scaler, whatever features come and go."""
    chance = random.Random(5)
    straight: list[Any] = [preprocessing.StandardScaler(), linear_model.LinearRegression()]
    stored: list[Any] = [preprocessing.StandardScaler(), linear_model.LinearRegression()]
    for _ in range(300):
        x = {"bias": 1.0} | {name: chance.gauss(3.0, 2.0) for name in chance.sample("abcdefgh", 5)}
        y, predicted = chance.gauss(0.0, 4.0), []
        for scaler, model in (straight, stored):
            predicted.append(model.predict_one(scaler.transform_one(x)))
            scaler.learn_one(x)
            model.learn_one(scaler.transform_one(x), y)
        stored = [decode_river(encode_river(each)) for each in stored]

        assert predicted[0] == predicted[1]
        assert [encode_river(each) for each in stored] == [encode_river(each) for each in straight]


@pytest.mark.parametrize(
    "value",
    [
        NoDrift(),  # type: ignore[no-untyped-call]  # river
        linear_model.LinearRegression(l2=0.1),
        linear_model.LinearRegression(intercept_lr=0.5),
        preprocessing.StandardScaler(with_std=False),
        preprocessing.StandardScaler(window_size=5),
        preprocessing.MinMaxScaler(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_come_back_as_something_else_is_not_stored(value: object) -> None:
    """A class, or arguments, that the codec does not know is a bug of the fold, told when it stores."""
    with pytest.raises(NotImplementedError):
        encode_state({"of": value})


@pytest.mark.parametrize("name", DETECTORS)
def test_whatever_the_data_are_nothing_else_than_an_error_comes_of_them(name: str) -> None:
    """River ends the thread on bytes that it does not expect: nothing reaches it unchecked. What is taken can go on."""
    detector, chance = DETECTORS[name](), random.Random(11)
    for error in errors_of(detector, 400, seed=1):
        detector.update(error)
    raw = encode_river(detector)
    for _ in range(1500):
        damaged = bytearray(raw)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.2:
            damaged = damaged[: chance.randrange(len(damaged))]
        try:
            made: Any = decode_state(msgspec.msgpack.encode(msgspec.msgpack.Ext(3, bytes(damaged))), object)
        except StateInvalid:
            continue
        assert type(made).__module__.startswith("river.drift")


@pytest.mark.parametrize("dtype", ["O", "S4", "U4", "M8[s]", "V8", ">f8", "f2"])
def test_arrays_of_anything_but_numbers_are_not_stored(dtype: str) -> None:
    """An array of objects is code, and what has another byte order would come back as something else."""
    array: Any = np.zeros(3, dtype)
    if dtype == "f2":
        assert (decode_state(encode_state(array), np.ndarray) == array).all()
        return
    with pytest.raises(NotImplementedError):
        encode_state(array)


@pytest.mark.parametrize("header", [b"|O:1;", b"<f8:9;", b"<f8:x;", b"O8:1;", b"", b"<f8:1", b"<f99:1;", b"\xff:1;"])
def test_an_array_that_cannot_be_is_no_state(header: bytes) -> None:
    """Whatever stands in its head."""
    raw = msgspec.msgpack.encode(msgspec.msgpack.Ext(1, header + bytes(8)))

    with pytest.raises(StateInvalid):
        decode_state(raw, np.ndarray)
