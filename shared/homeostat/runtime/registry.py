"""Which folds, hands, targets and watchers there are: ours by their folder, those of others by entry points.

A service says what it is made of in a declaration: plain values, and the name of what makes it as text, so that nothing
heavy is imported before it runs. Ours are the `ENTRIES` of `homeostat.services.<name>.registration`; another package
names one object per entry point, in the groups `homeostat.folds`, `homeostat.hands`, `homeostat.targets`,
`homeostat.watchers` and `homeostat.programs`.

Ours are found in the package itself, because the metadata of an installation are a copy that may be stale: a checkout
on the path has the services that lie in it. A process of ours loads no declaration of another package, so that one
that cannot be imported takes none of ours down.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar

from pydantic_settings import BaseSettings

from homeostat.admission.salt import NO_SALT, Salt
from homeostat.audit.roles import SERVICE_ROLES
from homeostat.core import Fold, Halt
from homeostat.events.logs import AUDIT, LOGS, POLICIES, SNAPSHOTS, VERDICTS
from homeostat.runtime.declarations import (
    OURS,
    Entry,
    FoldEntry,
    HandEntry,
    ProgramEntry,
    ServiceEntry,
    TargetEntry,
    WatcherEntry,
)

E = TypeVar("E", FoldEntry, HandEntry, TargetEntry, WatcherEntry, ProgramEntry)

_Settable = HandEntry | TargetEntry | ProgramEntry

_SERVICES: Final = "homeostat.services"
_GROUPS: Final[dict[type[Entry], str]] = {
    FoldEntry: "homeostat.folds",
    HandEntry: "homeostat.hands",
    TargetEntry: "homeostat.targets",
    WatcherEntry: "homeostat.watchers",
    ProgramEntry: "homeostat.programs",
}
_OF_THE_LAW: Final = frozenset((*POLICIES, VERDICTS, AUDIT))
"""Topics whose records are believed: no other package may declare that it writes them."""

_ORDER: Final = {log.name: n for n, log in enumerate(LOGS)}


class DeclarationInvalid(Halt):
    """An installed package declares something that cannot be run.

    Operator: correct or uninstall the package that is named.
    """

    def __init__(self, distribution: str, name: str, why: str) -> None:
        super().__init__(f"{name} of {distribution}: {why}; correct it, or pip uninstall {distribution}")
        self.distribution, self.name, self.why = distribution, name, why


class ServiceUnknown(Halt):
    """No service of this name is installed.

    Operator: correct the name, or install the package that has it.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no service {name!r}; there are {', '.join(known)}")
        self.name = name


class TargetUnknown(Halt):
    """No target of this name is installed.

    Operator: correct the setting, or install the package that has it.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no target {name!r}; there are {', '.join(known)}")
        self.name = name


def folds() -> dict[str, FoldEntry]:
    """Every fold by name: ours first, each in the order of its topic in the catalogue, then by name.

    Raises:
        DeclarationInvalid: A package declares one that cannot be run.
    """
    return {entry.name: entry for entry in _sorted(_every(FoldEntry).values())}


def hands() -> dict[str, HandEntry]:
    """Every hand by name: ours in the order of their policy topics in the catalogue, then those of others.

    Raises:
        DeclarationInvalid: A package declares one that cannot be run.
    """
    found = _every(HandEntry).values()
    placed = sorted(found, key=lambda e: (not e.is_ours, min(map(POLICIES.index, e.obeys)), e.name))
    return {entry.name: entry for entry in placed}


def targets() -> dict[str, TargetEntry]:
    """Every target of rollouts by name.

    Raises:
        DeclarationInvalid: A package declares one that cannot be run.
    """
    return _every(TargetEntry)


def target(name: str) -> TargetEntry:
    """Look a target of rollouts up.

    Raises:
        TargetUnknown: There is none of this name.
        DeclarationInvalid: A package declares one that cannot be run.
    """
    every = targets()
    if name not in every:
        raise TargetUnknown(name, every)
    return every[name]


def programs() -> dict[str, ProgramEntry]:
    """Every program that a local stack runs beside the services, by name.

    Raises:
        DeclarationInvalid: A package declares one that cannot be run.
    """
    return _every(ProgramEntry)


def services() -> dict[str, ServiceEntry]:
    """Every service by name: those that fold, those that act, those that watch.

    Raises:
        DeclarationInvalid: A package declares something that cannot be run.
    """
    entries: list[Entry] = [*folds().values(), *hands().values(), *_every(WatcherEntry).values()]
    ordered = sorted(entries, key=lambda entry: not entry.is_ours)  # ours first; otherwise as they are
    return {name: _service(name, ordered) for name in dict.fromkeys(entry.service for entry in ordered)}


def service(name: str) -> ServiceEntry:
    """Look a service up; of ours nothing else is loaded.

    Args:
        name: With `_` or `-`.

    Raises:
        ServiceUnknown: There is none.
        DeclarationInvalid: It cannot be run.
    """
    found = _service(name.replace("-", "_"), _ours())
    if not found.entries:
        every = services()
        if name not in every:
            raise ServiceUnknown(name, every)
        found = every[name]
    return found


def signer_roles() -> dict[str, str]:
    """Role of each service that signs, by the name of its key: the notary commands, a hand reports what it has done."""
    return SERVICE_ROLES | {name: f"hand:{name}" for name in hands()}


def make_fold(entry: FoldEntry, salt: Salt = NO_SALT) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Args:
        entry: Its declaration.
        salt: Of the deployment, for those that need it.

    Raises:
        ModuleNotFoundError: What it needs is not installed; see `entry.requirement`.
    """
    made = load(entry.make)
    fold: Fold[Any] = made(salt=salt) if entry.needs_salt else made()
    return fold


def settings_classes() -> Iterator[tuple[str, Callable[[], type[BaseSettings]]]]:
    """Yield the prefix of the variables of each hand, target and program with settings, and what loads their class.

    Ours come first; other packages are looked at only behind them.

    Raises:
        DeclarationInvalid: A package declares something that cannot be run.
    """
    yield from _settings_of(entry for entry in _ours() if isinstance(entry, HandEntry | TargetEntry | ProgramEntry))
    every: list[_Settable] = [*hands().values(), *targets().values(), *programs().values()]
    yield from _settings_of(entry for entry in every if not entry.is_ours)


def _settings_of(
    entries: Iterable[_Settable],
) -> Iterator[tuple[str, Callable[[], type[BaseSettings]]]]:
    for entry in entries:
        if entry.settings:
            name = entry.name if isinstance(entry, TargetEntry) else entry.service
            yield f"HOMEOSTAT_{name.upper()}_", partial(load, entry.settings)


def load(path: str) -> Any:
    """Import `module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _sorted(entries: Iterable[FoldEntry]) -> list[FoldEntry]:
    return sorted(entries, key=lambda one: (not one.is_ours, _ORDER.get(one.topic, len(_ORDER)), one.name))


def _service(name: str, entries: Sequence[Entry]) -> ServiceEntry:
    own = [entry for entry in entries if entry.service == name]
    return ServiceEntry(
        name,
        tuple(_sorted(entry for entry in own if isinstance(entry, FoldEntry))),
        tuple(entry for entry in own if isinstance(entry, HandEntry)),
        tuple(entry for entry in own if isinstance(entry, WatcherEntry)),
    )


def _ours() -> list[Entry]:
    """The declarations that lie in our own package."""
    found: list[Entry] = []
    package = importlib.import_module(_SERVICES)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        name = f"{_SERVICES}.{module.name}.registration"
        try:
            found += importlib.import_module(name).ENTRIES
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
    return found


def _every(kind: type[E]) -> dict[str, E]:
    found: dict[str, E] = {entry.name: entry for entry in _ours() if isinstance(entry, kind)}
    services_of_ours = {entry.service for entry in _ours()}
    for point in sorted(entry_points(group=_GROUPS[kind]), key=lambda one: one.name):
        entry = _declared(point, kind)
        if entry.name in found:
            why = f"{found[entry.name].distribution} has one of this name"
            raise DeclarationInvalid(entry.distribution, entry.name, why)
        if entry.service in services_of_ours and not isinstance(entry, TargetEntry):
            raise DeclarationInvalid(entry.distribution, entry.name, f"the service {entry.service} is {OURS}'s")
        found[entry.name] = entry
    return found


def _declared(point: EntryPoint, kind: type[E]) -> E:
    """Load what an entry point leads to, and check that it may be run beside ours."""
    distribution = point.dist.name if point.dist is not None else "an unknown package"
    try:
        entry = point.load()
    except Exception as error:  # whatever a package does when it is imported
        raise DeclarationInvalid(distribution, point.name, f"{type(error).__name__}: {error}") from error
    if not isinstance(entry, kind):
        raise DeclarationInvalid(distribution, point.name, f"{point.value} is no {kind.__name__}")
    if trouble := _trouble(entry):
        raise DeclarationInvalid(distribution, point.name, trouble)
    return replace(entry, distribution=distribution)


def _trouble(entry: Entry) -> str:
    """Why another package may not declare this; nothing if it may."""
    match entry:
        case FoldEntry(signed_by=key) if key:
            return f"it asks for the key of {key}"
        case FoldEntry() | WatcherEntry() if forbidden := _OF_THE_LAW & set(entry.writes):
            return f"it declares that it writes {min(forbidden)}"
        case FoldEntry() if strange := [log.name for log in entry.creates if not _may_create(log.name)]:
            return f"it creates {min(strange)}: a topic of its own begins with homeostat., and is nobody else's"
        case HandEntry() if not entry.obeys or set(entry.obeys) - set(POLICIES):
            return f"a hand obeys some of {', '.join(POLICIES)}"
    return ""


def _may_create(topic: str) -> bool:
    return topic.startswith("homeostat.") and not topic.startswith(SNAPSHOTS) and topic not in _ORDER
