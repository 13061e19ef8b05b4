"""One supervised process: when it is started, when it is started again, and what is said of it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

FIRST_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
HEALTHY_SECONDS: Final = 60.0
"""A process that has lived this long has proved itself: its past exits are forgotten."""

N_LOOP_EXITS: Final = 5
LOOP_WINDOW_SECONDS: Final = 60.0
NOT_STARTED: Final = 126
"""Exit status of a process that could not even be started, as of a shell."""

PROBE_SECONDS: Final = 0.5
"""Between two questions whether a process is ready."""

State = Literal["starting", "running", "backoff", "crash_loop", "stopped"]


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process to keep alive.

    Args:
        name: Unique; also the name of its log.
        argv: Program and arguments.
        env: Added to the supervisor's environment.
        ready: URL that answers 200 once the process does its work; None: ready as soon as it runs.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What can be said of a process now.

    Args:
        name: As in its specification.
        pid: None while it does not run.
        state: starting (runs, not ready yet), running, backoff (waits for its next start), crash_loop (5 exits within
            60 s; tried again every 30 s; until it has lived for 60 s), stopped (on purpose).
        restarts: Starts after the first one.
        uptime_seconds: Since the last start; 0 while it does not run.
        last_exit: Exit status of the last run that ended, minus the signal when one ended it; None before.
    """

    name: str
    pid: int | None
    state: State
    restarts: int
    uptime_seconds: float
    last_exit: int | None


class Running(Protocol):
    """The part of `subprocess.Popen` that supervision needs."""

    @property
    def pid(self) -> int:
        """Process id."""

    def poll(self) -> int | None:
        """Exit status, or None while it runs. Never blocks."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class Supervised:
    """Decides what happens to one process; `tick` carries it out.

    Args:
        spec: The process.
        spawn: Starts it; an OSError counts as an exit with 126.
        probe: Asks a URL; true for 200. Must answer within a fraction of a second.
        renew: Asked before it is started again: what has changed meanwhile, a port for example.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        spawn: Callable[[ProcessSpec], Running],
        probe: Callable[[str], bool],
        renew: Callable[[ProcessSpec], ProcessSpec] = lambda spec: spec,
    ) -> None:
        self._spec, self._spawn, self._probe, self._renew = spec, spawn, probe, renew
        self._process: Running | None = None
        self._n_starts = 0
        self._started_at = 0.0
        self._start_at: float | None = float("-inf")  # None: never again
        self._probe_at = 0.0
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._exits: deque[float] = deque(maxlen=N_LOOP_EXITS)
        self._last_exit: int | None = None
        self._is_ready = False
        self._is_looping = False

    def tick(self, now: float) -> None:
        """Look at the process and start it when that is due.

        Args:
            now: Seconds of a clock that never goes back.
        """
        if self._process is not None and (status := self._process.poll()) is not None:
            self._ended(status, now)
        if self._process is None:
            if self._start_at is not None and now >= self._start_at:
                self._start(now)
        elif self._is_ready:
            if now - self._started_at >= HEALTHY_SECONDS:
                self._forget_exits()
        elif now >= self._probe_at:
            self._ask(now)

    def terminate(self) -> None:
        """Ask it to end, and never start it again."""
        self._start_at = None
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End it; call `tick` afterwards."""
        if self._process is not None:
            self._process.kill()

    @property
    def is_over(self) -> bool:
        """Whether it was stopped and has ended."""
        return self._process is None and self._start_at is None

    def status(self, now: float) -> ProcessStatus:
        """Describe it."""
        return ProcessStatus(
            name=self._spec.name,
            pid=self._process.pid if self._process else None,
            state=self._state,
            restarts=max(0, self._n_starts - 1),
            uptime_seconds=now - self._started_at if self._process else 0.0,
            last_exit=self._last_exit,
        )

    @property
    def _state(self) -> State:
        if self.is_over:
            return "stopped"
        if self._is_looping:
            return "crash_loop"
        if self._process is None:
            return "backoff"
        return "running" if self._is_ready else "starting"

    def _start(self, now: float) -> None:
        if self._n_starts:
            self._spec = self._renew(self._spec)
        self._n_starts += 1
        self._started_at = self._probe_at = now
        try:
            self._process = self._spawn(self._spec)
        except OSError:  # no space for its log, no process left: it may pass, as an exit may
            self._ended(NOT_STARTED, now)
            return
        self._is_ready = self._spec.ready is None

    def _ask(self, now: float) -> None:
        self._is_ready = self._spec.ready is None or self._probe(self._spec.ready)
        self._probe_at = now + PROBE_SECONDS

    def _ended(self, status: int, now: float) -> None:
        self._process, self._last_exit = None, status
        self._exits.append(now)
        is_burst = len(self._exits) == N_LOOP_EXITS and now - self._exits[0] <= LOOP_WINDOW_SECONDS
        self._is_looping = self._is_looping or is_burst
        if self._start_at is not None:
            self._start_at = now + (MAX_BACKOFF_SECONDS if self._is_looping else self._backoff_seconds)
        self._backoff_seconds = min(2 * self._backoff_seconds, MAX_BACKOFF_SECONDS)

    def _forget_exits(self) -> None:
        self._backoff_seconds, self._is_looping = FIRST_BACKOFF_SECONDS, False
        self._exits.clear()
