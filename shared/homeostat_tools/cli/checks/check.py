"""One finding of the doctor, and what the functions that find look at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from homeostat.client.logs import Logs
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import FamilyRegistered, ModelRegistered
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.events.policy_state import PolicyState
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.in_force import in_force

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found.

    Args:
        name: What was looked at.
        verdict: `fail`: it does not work so; `warn`: it works, and is a mistake that people regret; `ok`.
        detail: What is so.
        mend: The command that mends it, or what to do where no command does; there is one unless all is well.
    """

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""

    def __post_init__(self) -> None:
        if self.verdict != "ok" and not self.mend:
            raise ValueError(f"{self.name}: say what mends it")


def ok(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name, "ok", detail)


def warn(name: str, detail: str, mend: str) -> Check:
    """It works, and is a mistake."""
    return Check(name, "warn", detail, mend)


def fail(name: str, detail: str, mend: str) -> Check:
    """It does not work so."""
    return Check(name, "fail", detail, mend)


@dataclass(slots=False)
class Context:
    """What is looked at; what costs time is read once, when somebody asks.

    Args:
        data_dir: Of this machine.
        settings: Of the connection.
        logs: Of the broker, or in memory.
        is_local: The services run on this machine, or are to: no broker was named.
    """

    data_dir: Path
    settings: HostSettings
    logs: Logs
    is_local: bool
    _events: dict[str, list[Event]] = field(default_factory=dict)

    @cached_property
    def is_running(self) -> bool:
        """Whether a stack runs in the data folder."""
        from homeostat_tools.local_stack.status_file import read_report

        return read_report(self.data_dir / "processes.json") is not None

    def events(self, log: str) -> list[Event]:
        """All of a log that can be read, oldest first per partition."""
        from homeostat_tools.cli.rendering import event_of

        if log not in self._events:
            found = []
            for record in self.logs.read([log]):
                try:
                    found.append(event_of(record))
                except Reject:
                    continue
            self._events[log] = found
        return self._events[log]

    @cached_property
    def law(self) -> PolicyState:
        """What is in force."""
        return in_force(self.logs)

    @cached_property
    def models(self) -> dict[str, ModelRegistered]:
        """Newest registration by `scope/model`."""
        found = (event.data for event in self.events(GOVERNANCE))
        return {data.model: data for data in found if isinstance(data, ModelRegistered) and data.model is not None}

    @cached_property
    def families(self) -> dict[str, FamilyRegistered]:
        """Newest registration by `scope/family`."""
        return {
            event.subject: event.data for event in self.events(EXPERIENCE) if isinstance(event.data, FamilyRegistered)
        }

    @property
    def scopes(self) -> list[str]:
        """Scopes that have a model."""
        return sorted({scope_of(model) for model in self.models})


Finder = Callable[[Context], Iterator[Check]]
"""Looks at one thing; yields what it found, nothing where there is nothing to look at."""
