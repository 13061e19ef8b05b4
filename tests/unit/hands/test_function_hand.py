"""Functions as a hand: called with what is for them, in order; what comes of it is reported, once."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_shop import MODEL, NOW, Shop, brake, command, record

from homeostat.audit.keys import KeyMissing
from homeostat.codec import Record
from homeostat.core import Event, Retry
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    Band,
    BrakeConfirmed,
    RolloutAbort,
    RolloutRevert,
    ThresholdRevert,
    ThresholdSet,
)
from homeostat.events.logs import POLICY_ROLLOUT, POLICY_THRESHOLD
from homeostat.hands import Actuator, Order
from homeostat.hands.function_hand import Act, FunctionHand
from homeostat.runtime.settings import HostSettings

NAME = "router"
BAND = Band(signal="load", rate=0.01, low=0.1, high=0.9, eta=0.1)
PATIENCE_SECONDS = 20.0


def threshold(**changes: Any) -> ThresholdSet:
    """A band for the hand."""
    fields = {"action": "a", "verdict": "v", "family": "acme/cameras", "model": MODEL, "expires_at": NOW + 1000}
    return ThresholdSet.model_validate(fields | {"band": BAND, "hand": NAME} | changes)


class Place:
    """A runner with a hand of functions, and what they were called with."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.hands: list[FunctionHand] = []

    def shop(self, act: Act | None = None, **settings: float) -> Shop:
        """Make the runner."""
        functions: dict[str, Act] = dict.fromkeys((POLICY_ROLLOUT, POLICY_THRESHOLD), act or self.orders.append)
        self.hands.append(FunctionHand(NAME, functions, **settings))
        return Shop(hand=self.hands[-1])


@pytest.fixture
def place() -> Iterator[Place]:
    """Its threads end with the test."""
    made = Place()
    yield made
    for hand in made.hands:
        hand.close()


def carried_out(shop: Shop, *records: Record, n: int = 1) -> list[Event]:
    """Show the runner records; return the reports, as soon as there are so many."""
    found = shop.run(*records)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < n:
        assert time.monotonic() < deadline, found
        found += shop.reports()
    return found


def test_a_rollout_is_carried_out_and_reported_whole(place: Place) -> None:
    """With the state of serving that holds from now on."""
    shop = place.shop()
    (report,) = carried_out(shop, record(command(hand=NAME, canary="v1", weight=0.25)))

    (order,) = place.orders
    assert (order.model, order.verb, order.champion, order.canary, order.weight) == (MODEL, "set", "v0", "v1", 0.25)
    assert order.sequence
    assert isinstance(report.data, ActionApplied)
    assert report.data.rollout is not None
    assert (report.data.rollout.canary, report.data.rollout_verb) == ("v1", "set")


@pytest.mark.parametrize(
    ("class_", "verb", "said"), [(RolloutAbort, "abort", ActionApplied), (RolloutRevert, "revert", ActionReverted)]
)
def test_what_takes_back_says_so(place: Place, class_: Any, verb: str, said: Any) -> None:
    """A revert is reported as one."""
    shop = place.shop()
    (report,) = carried_out(shop, record(command(class_, hand=NAME)))

    assert isinstance(report.data, said)
    assert place.orders[0].verb == verb


def test_a_threshold_is_reported_with_its_band(place: Place) -> None:
    """A revert is a band without width."""
    shop = place.shop()
    back = ThresholdRevert(**threshold().model_dump(exclude={"band"}, exclude_none=True), signal="load", threshold=0.5)
    first, second = (report.data for report in carried_out(shop, record(threshold(), 0), record(back, 1), n=2))

    assert isinstance(first, ActionApplied)
    assert isinstance(second, ActionApplied)
    assert first.band == BAND
    assert second.band is not None
    assert (second.band.low, second.band.high) == (0.5, 0.5)


def test_what_is_another_hand_s_is_not_touched(place: Place) -> None:
    """Neither what names nobody, which is ours, nor what names somebody else."""
    shop = place.shop()
    own = record(command(hand=NAME, champion="v7"), 2)
    carried_out(shop, record(command(), 0), record(command(hand="other"), 1), own)

    assert [order.champion for order in place.orders] == ["v7"]
    assert not shop.runner.is_busy


def test_a_coroutine_is_awaited(place: Place) -> None:
    """Its client lives in one event loop."""
    loops = []

    async def act(order: Order) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    shop = place.shop(act)
    carried_out(shop, record(command(hand=NAME), 0), record(command(hand=NAME), 1), n=2)

    assert loops[0] is loops[1]


def test_orders_come_one_after_the_other(place: Place) -> None:
    """A slow one is not overtaken by the next."""
    begun, go_on = threading.Event(), threading.Event()
    seen: list[str] = []

    def act(order: Order) -> None:
        if not seen:
            begun.set()
            assert go_on.wait(PATIENCE_SECONDS)
        seen.append(order.champion)

    shop = place.shop(act)
    said = shop.run(record(command(hand=NAME, champion="v1"), 0), record(command(hand=NAME, champion="v2"), 1))
    assert begun.wait(PATIENCE_SECONDS)
    assert [*said, *shop.reports()] == []
    go_on.set()
    carried_out(shop, n=2)

    assert seen == ["v1", "v2"]


def test_what_it_cannot_do_is_reported_with_the_reason(place: Place) -> None:
    """In the words of the exception."""

    def act(order: Order) -> None:
        raise ValueError("no such upstream")

    shop = place.shop(act)
    failed = carried_out(shop, record(command(hand=NAME)))[0].data

    assert isinstance(failed, ActionFailed)
    assert (failed.reason, failed.detail) == ("target_failed", "ValueError: no such upstream")


@pytest.mark.parametrize(("timeout", "n", "said"), [(PATIENCE_SECONDS, 2, ActionApplied), (0.0, 1, ActionFailed)])
def test_a_target_that_is_away_is_asked_again_for_a_while(place: Place, timeout: float, n: int, said: Any) -> None:
    """The report comes when it is there, or when the time is over."""
    calls = []

    def act(order: Order) -> None:
        calls.append(order)
        if len(calls) == 1:
            raise Retry("away")

    shop = place.shop(act, retry_timeout_seconds=timeout)
    (report,) = carried_out(shop, record(command(hand=NAME)))

    assert isinstance(report.data, said)
    assert len(calls) == n


def test_a_freeze_is_confirmed_and_nothing_begins_in_it(place: Place) -> None:
    """What comes in it has failed as braked."""
    shop = place.shop()
    said = [report.data for report in carried_out(shop, brake(), record(command(hand=NAME), 1), n=2)]

    assert place.orders == []
    assert {type(data) for data in said} == {BrakeConfirmed, ActionFailed}


def test_an_order_says_what_it_is_about(place: Place) -> None:
    """And not what it is not."""
    shop = place.shop()
    carried_out(shop, record(threshold()))

    assert place.orders[0].threshold.TYPE == ThresholdSet.TYPE
    with pytest.raises(TypeError, match="no rollout"):
        _ = place.orders[0].champion


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda folder: Actuator(NAME, settings=HostSettings(data_dir=folder)), ValueError, "needs a function"),
        (
            lambda folder: Actuator(NAME, rollout=print, settings=HostSettings(data_dir=folder)),
            KeyMissing,
            "homeostat keys create router --role hand:router/rollout --by operator",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], Any], error: type[Exception], words: str
) -> None:
    """Before anything is read."""
    with pytest.raises(error, match=words):
        make(tmp_path)
