"""Keep the processes of the services alive."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from homeostat.runtime.stop_signal import StopSignal
from homeostat_tools.local_stack import subprocesses
from homeostat_tools.local_stack.loopback import get
from homeostat_tools.local_stack.process import ProcessSpec, ProcessStatus, Running, Supervised
from homeostat_tools.local_stack.status_file import write_report

TICK_SECONDS: Final = 0.1
REPORT_SECONDS: Final = 1.0
STOP_TIMEOUT_SECONDS: Final = 30.0
"""Services write their last snapshots first."""

PROBE_TIMEOUT_SECONDS: Final = 0.3


class Supervisor:
    """Starts processes, starts them again when they end, stops them in order.

    Nothing happens between two calls of `tick`: there is no thread. All calls come from one thread, which must outlive
    the children (see `subprocesses.spawn`). After a crash of the supervisor its children have got SIGTERM (Linux).

    Args:
        specs: What to keep alive; names are unique.
        log_dir: Each process writes to `<log_dir>/<name>.log`; the report goes to `<log_dir>/../processes.json`.
        spawn: Starts a process; None: as a child of this one.
        probe: Asks whether a URL answers 200.
        renew: Asked before a process is started again; returns its specification as of now.
        on_trouble: Told once what cannot be written, a full disk for example; supervision goes on, and writes again
            when it can.
        clock: Seconds that never go back.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        log_dir: Path,
        *,
        spawn: Callable[[ProcessSpec], Running] | None = None,
        probe: Callable[[str], bool] | None = None,
        renew: Callable[[ProcessSpec], ProcessSpec] = lambda spec: spec,
        on_trouble: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if len({spec.name for spec in specs}) < len(specs):
            raise ValueError(f"names of processes are not unique: {[spec.name for spec in specs]}")
        self.report_path: Final = log_dir.absolute().parent / "processes.json"
        self._log_dir, self._clock, self._sleep = log_dir, clock, sleep
        self._processes = [Supervised(spec, spawn or self._spawn, probe or answers_ok, renew) for spec in specs]
        self._say, self._said = on_trouble, ""
        self._reported: list[tuple[object, ...]] = []
        self._report_at = float("-inf")

    def tick(self) -> None:
        """Look at every process once, start what is due, and report."""
        now = self._clock()
        for process in self._processes:
            process.tick(now)
        self._report(now)

    def run_forever(self, stop: StopSignal | threading.Event) -> None:
        """Tick until `stop` is set (by a signal handler, for example), then stop every process."""
        try:
            while not stop.is_set():
                self.tick()
                stop.wait(TICK_SECONDS)
        finally:
            self.stop()

    def stop(self, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """End all processes: SIGTERM to all at once, SIGKILL to what is left after the timeout. Ends them for good."""
        for process in self._processes:
            process.terminate()
        deadline = self._clock() + timeout_seconds
        while not self._all_over():
            if self._clock() >= deadline:
                for process in self._processes:
                    process.kill()
            self._sleep(0.02)

    def status(self) -> list[ProcessStatus]:
        """Describe every process, in the order of the specifications."""
        now = self._clock()
        return [process.status(now) for process in self._processes]

    def _all_over(self) -> bool:
        self.tick()
        return all(process.is_over for process in self._processes)

    def _spawn(self, spec: ProcessSpec) -> Running:
        try:
            return subprocesses.spawn(spec.argv, spec.env, self._log_dir / f"{spec.name}.log")
        except OSError as error:
            self._say_once(f"{spec.name} cannot be started: {_of_system(error)}")
            raise

    def _report(self, now: float) -> None:
        statuses = self.status()
        essence = [(s.name, s.pid, s.state, s.restarts) for s in statuses]
        if essence != self._reported or now >= self._report_at:
            try:
                write_report(self.report_path, statuses)
            except OSError as error:
                self._say_once(f"the report cannot be written: {_of_system(error)}; the processes are kept alive")
            else:
                self._said = ""
            self._reported, self._report_at = list(essence), now + REPORT_SECONDS

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self._say(text)
        self._said = text


def _of_system(error: OSError) -> str:
    return f"{error.filename or ''}: {error.strerror or error}".removeprefix(": ")


def answers_ok(url: str) -> bool:
    """Tell whether a URL answers 200 within 0.3 s."""
    try:
        return get(url, PROBE_TIMEOUT_SECONDS)[0] == 200
    except OSError:
        return False
