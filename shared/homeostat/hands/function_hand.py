"""A hand of functions: each is called in a thread with one order after the other, and its outcome is the report."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from homeostat.core import CommandExecution, Event, Report, Retry
from homeostat.core.backoff import Backoff
from homeostat.events.policy import ModelCommand
from homeostat.hands.order import Order
from homeostat.hands.reports import applied, failed

Act = Callable[[Order], None] | Callable[[Order], Awaitable[None]]
"""Carries an order out; returns when it is there. Raises `Retry` if the target cannot be reached, anything else if it
cannot do it."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_MOST_PAUSE_SECONDS: Final = 5.0


class FunctionHand:
    """A `Hand`: obeys the commands that name it, and no others.

    Args:
        name: As signed law names it.
        functions: By policy topic.
        retry_timeout_seconds: How long an order is tried again after `Retry` before it has failed.
    """

    def __init__(self, name: str, functions: Mapping[str, Act], *, retry_timeout_seconds: float = 30.0) -> None:
        self.name, self._functions = name, dict(functions)
        self.retry_timeout_seconds = retry_timeout_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"homeostat-{name}")  # one: in order
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def logs(self) -> Sequence[str]:
        """See `Hand.logs`."""
        return tuple(self._functions)

    def start(self, command: Event) -> CommandExecution | None:
        """See `Hand.start`; the function is called soon, after those before it."""
        act = self._functions.get(command.position.topic)
        if act is None or not isinstance(command.data, ModelCommand) or command.data.hand != self.name:
            return None
        return _Execution(self, act, Order(command, command.data))

    def close(self) -> None:
        """Wait for the function that is being called; call none after that."""
        self._thread.shutdown(cancel_futures=True)
        if self._loop is not None:
            self._loop.close()

    def submit(self, act: Act, order: Order) -> "Future[None]":
        """Call a function in the thread, after what was submitted before.

        Args:
            act: The function.
            order: Its argument.
        """
        return self._thread.submit(self._call, act, order)

    def _call(self, act: Act, order: Order) -> None:
        said = act(order)
        if inspect.isawaitable(said):
            self._loop = self._loop or asyncio.new_event_loop()
            self._loop.run_until_complete(_awaited(said))


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


class _Execution:
    """One order under way."""

    def __init__(self, hand: FunctionHand, act: Act, order: Order) -> None:
        self.is_done = False
        self._hand, self._act, self._order = hand, act, order
        self._backoff = Backoff(hand.retry_timeout_seconds, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS)
        self._call: Future[None] | None = hand.submit(act, order)

    def poll(self) -> Iterator[Report]:
        """See `CommandExecution.poll`."""
        if self.is_done:
            return
        if self._call is None:
            if self._backoff.is_due:
                self._call = self._hand.submit(self._act, self._order)
            return
        if not self._call.done():
            return
        trouble = self._call.exception()
        if isinstance(trouble, Retry) and self._backoff.failed():
            self._call = None
            return
        self.is_done = True
        said = f"{type(trouble).__name__}: {trouble}"
        yield applied(self._order) if trouble is None else failed(self._order, "target_failed", said)

    def cancel(self) -> None:
        """See `CommandExecution.cancel`: a call that has begun goes on, and is not reported."""
        self.is_done = True
        if self._call is not None:
            self._call.cancel()
