"""StopSignal on signals, however many come."""

import os
import signal

from homeostat.runtime.stop_signal import StopSignal


def test_many_signals_at_once_do_not_lock() -> None:
    """Handlers nest: each signal interrupts the handler of the one before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    stopping = StopSignal()
    depth = 0

    def nested(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth < 20:
            os.kill(os.getpid(), signal.SIGTERM)
        stopping.set()

    try:
        signal.signal(signal.SIGTERM, nested)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(1.0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert depth == 20


def test_waiting_ends_when_the_time_is_over() -> None:
    """Nobody wished: it says so, and a wish that came before is not missed."""
    stopping = StopSignal()

    assert not stopping.wait(0.0)

    stopping.set()
    assert stopping.wait()
    assert stopping.is_set()
