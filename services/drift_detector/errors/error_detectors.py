"""The change detectors of single errors that a user can switch on; all of river's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from river.base import Base
from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import HDDMA, HDDMW

from homeostat.services.drift_detector.errors.label_history import WRONG_FROM
from homeostat.services.drift_detector.settings import Settings


class _Detector(Protocol):
    """What river's detectors have in common, those of numbers and those of right and wrong."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last update found a change."""
        ...

    def update(self, x: float) -> object:
        """Take one value in."""
        ...


_OF_ERRORS: Final[dict[str, Callable[[Settings], Base]]] = {
    "adwin": lambda settings: ADWIN(delta=settings.adwin_delta, clock=settings.adwin_clock),  # type: ignore[no-untyped-call]  # river
    "page_hinkley": lambda _: PageHinkley(),
    "kswin": lambda settings: KSWIN(seed=settings.kswin_seed),
    "hddm_a": lambda _: HDDMA(),  # type: ignore[no-untyped-call]  # river
    "hddm_w": lambda _: HDDMW(),  # type: ignore[no-untyped-call]  # river
}
_OF_WHOLE_ERRORS: Final = frozenset({"hddm_a", "hddm_w"})
"""They know right and wrong only: an error of one half or more is wrong."""


@dataclass(slots=True)
class ErrorDetectors:
    """The detectors that are switched on.

    Args:
        members: By name, in the order of the settings.
    """

    members: dict[str, Base] = field(default_factory=dict)

    @classmethod
    def initial(cls, settings: Settings) -> "ErrorDetectors":
        """Return the detectors before any error."""
        return cls({name: _OF_ERRORS[name](settings) for name in settings.members if name in _OF_ERRORS})

    def update(self, errors: list[float], settings: Settings) -> str:
        """Take errors in; a member that finds a change starts over.

        River would drop the old window with the next update anyway, and a snapshot taken now would then go on from
        another state than this process.

        Args:
            errors: Each in [0, 1].
            settings: Of a member that starts over.

        Returns:
            Name of the first member that found a change; empty if none did.
        """
        found = ""
        for name in self.members:
            if name == "adwin":
                is_found = self._update_adwin(errors, settings)
                found = found or (name if is_found else "")
                continue
            member, is_whole = cast(_Detector, self.members[name]), name in _OF_WHOLE_ERRORS
            update = member.update
            for error in [error >= WRONG_FROM for error in errors] if is_whole else errors:
                update(error)
                if member.drift_detected:
                    found = found or name
                    self.members[name] = _OF_ERRORS[name](settings)
                    member = cast(_Detector, self.members[name])
                    update = member.update
        return found

    def _update_adwin(self, errors: list[float], settings: Settings) -> bool:
        """Update ADWIN as its `update` does, value by value, but without frames of Python: these took a sixth of all.

        What `update` wraps is private to river; a test holds the two ways against each other, to the byte of the state.
        """
        is_found, left = False, iter(errors)
        while any(map(cast(ADWIN, self.members["adwin"])._helper.update, left)):  # noqa: SLF001  # see above
            is_found = True
            self.members["adwin"] = _OF_ERRORS["adwin"](settings)
        return is_found
