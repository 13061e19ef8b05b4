"""What a service says of itself: plain values, and the name of what makes it as text.

Nothing heavy is imported before a service runs: `make` is imported when it is made.
"""

from dataclasses import dataclass
from typing import Final

from homeostat.events.logs import QUARANTINE, Log
from homeostat.events.routes import topics_read_by, topics_written_by

OURS: Final = "homeostat"
"""Distribution of our own services."""


def _dashed(name: str) -> str:
    return name.replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What every declaration says.

    Args:
        name: Unique in its group.
        make: `module:attribute` of what makes it, imported when it is made.
        service: Service that it is part of, the name of a process; by default its own name.
        distribution: Where it was found; set by the registry.
    """

    name: str
    make: str
    service: str = ""
    distribution: str = OURS

    def __post_init__(self) -> None:
        """Fill the service in."""
        object.__setattr__(self, "service", self.service or self.name)

    @property
    def is_ours(self) -> bool:
        """Whether it is one of Homeostat's own."""
        return self.distribution == OURS

    @property
    def requirement(self) -> str:
        """What pip installs it by, with what it needs."""
        return f"{OURS}[{_dashed(self.service)}]" if self.is_ours else self.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldEntry(_Entry):
    """A fold: `make` is a class that is made without arguments.

    Args:
        topic: Topic that it reads.
        writes: Topics that it emits to, besides the quarantine; by default those that the catalogue names it for.
        group: Consumer group; by default the service, with dashes.
        signed_by: Name of the key that commands and verdicts among its outputs are signed with; nobody's by default.
        needs_salt: Whether `make` takes `salt`, the secret that digests of personal data are salted with.
        creates: Topics of its own that are not in the catalogue; their names begin with `homeostat.`, as all that a
            host looks at.
    """

    topic: str
    writes: tuple[str, ...] = ()
    group: str = ""
    signed_by: str = ""
    needs_salt: bool = False
    creates: tuple[Log, ...] = ()

    def __post_init__(self) -> None:
        """Fill in the group and what the catalogue says."""
        _Entry.__post_init__(self)
        known = tuple(topic for topic in topics_written_by(self.name) if topic != QUARANTINE)
        object.__setattr__(self, "writes", self.writes or known)
        object.__setattr__(self, "group", self.group or _dashed(self.service))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEntry(_Entry):
    """A hand: `make` is a function from a `Context` of `runtime.process` to a `Hand`.

    Args:
        obeys: Policy topics whose commands it carries out.
        reads: Other topics that it works from; by default those that the catalogue names it for.
        max_tasks: Commands under way at a time.
        settings: `module:class` of its settings, with the prefix `HOMEOSTAT_<SERVICE>_`; none by default.
        rehearse: `module:function` from a `runtime.rehearsal.Rehearsal` to a `Hand`, for a system in memory; by default
            it has no part in one.
    """

    obeys: tuple[str, ...]
    reads: tuple[str, ...] = ()
    max_tasks: int = 4
    settings: str = ""
    rehearse: str = ""

    def __post_init__(self) -> None:
        """Fill in what the catalogue says."""
        _Entry.__post_init__(self)
        known = tuple(topic for topic in topics_read_by(self.name) if topic not in self.obeys)
        object.__setattr__(self, "reads", self.reads or known)

    @property
    def group(self) -> str:
        """Consumer group: the service, with dashes."""
        return _dashed(self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry(_Entry):
    """What a rollout acts on: `make` is a function from a `Context` to a `RolloutTarget`.

    Args:
        settings: `module:class` of its settings, with the prefix `HOMEOSTAT_<NAME>_`; none by default.
    """

    settings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherEntry(_Entry):
    """A service that neither folds nor acts: `make` is a function from a `Context` to a list of services.

    Args:
        reads: Topics; one that ends with a dot stands for all that begin so.
        writes: Topics.
        group: Consumer group that it joins; none by default.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEntry(_Entry):
    """A program with a port of its own that a local stack runs beside the services: `make` is a module to run.

    Args:
        options: Of its command line; `{port}`, `{data_dir}`, `{store}` and `{token}` stand for what the stack chooses.
        port: That it has if it is free.
        ready: Path that answers once it serves.
        variable: In which every process is told its URL; none by default.
        settings: `module:class` of its settings, with the prefix `HOMEOSTAT_<SERVICE>_`; none by default.
        writes: Topics that it writes to; with a broker that has users it is one of them.
        token_variable: In which it is told the file of the token that it asks for, where the broker has users; none by
            default.
    """

    options: tuple[str, ...]
    port: int
    ready: str
    variable: str = ""
    settings: str = ""
    writes: tuple[str, ...] = ()
    token_variable: str = ""


Entry = FoldEntry | HandEntry | TargetEntry | WatcherEntry | ProgramEntry


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """Everything that runs under the name of one service.

    Args:
        name: Of the service.
        folds: In the order of their topics in the catalogue.
        hands: Usually one.
        watchers: Of the service.
    """

    name: str
    folds: tuple[FoldEntry, ...] = ()
    hands: tuple[HandEntry, ...] = ()
    watchers: tuple[WatcherEntry, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it is one of Homeostat's own."""
        return all(entry.is_ours for entry in self.entries)

    @property
    def entries(self) -> tuple[FoldEntry | HandEntry | WatcherEntry, ...]:
        """All of them."""
        return (*self.folds, *self.hands, *self.watchers)

    @property
    def requirement(self) -> str:
        """What pip installs it by, with what it needs."""
        return self.entries[0].requirement
