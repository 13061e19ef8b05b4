"""The one interface of everything that decides."""

from typing import Protocol, TypeVar

from homeostat.core.event import Emit, Event

S = TypeVar("S")


class Fold(Protocol[S]):
    """Pure logic over one input log: same log, same outputs, wherever it is split, on every host, for ever.

    A step has no clock, I/O, environment or unseeded randomness. It may update in place what its
    state owns, and only after every check has passed: a `Reject` leaves the state as it was. Any
    other exception halts the host. After a crash the host restores a state it has stored and folds
    on from there; a step never sees an event twice in one state.
    """

    @property
    def name(self) -> str:
        """Identifier in sources, snapshot topics and metrics; unique over all folds."""

    @property
    def log(self) -> str:
        """The one topic it reads."""

    @property
    def settings(self) -> object:
        """Frozen settings; their digest is part of the version."""

    @property
    def is_door(self) -> bool:
        """Whether `log` is a door: sequences are ignored and payloads are validated strictly."""

    def unit(self, subject: str) -> str:
        """Unit of state a subject belongs to: the subject itself, or one constant for the whole log."""

    def initial(self, subject: str) -> S:
        """Return the state before the first event of a unit."""

    def step(self, state: S, event: Event) -> tuple[S, tuple[Emit, ...]]:
        """Fold one event in.

        Raises:
            Reject: The event is refused; the state is unchanged.
        """

    def wake_at(self, state: S) -> int | None:
        """Time in ms at which a `clock.ticked` must come if nothing else does; None for never."""

    def state_type(self) -> type[S]:
        """Class of the state, for the snapshot codec."""
