"""The families that there are. Anybody may name one, so there are bounds, and a signed name finds room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from homeostat.core.identity import scope_of

MOST_FAMILIES: Final = 1000
"""Of a scope: anybody may name families, and what is published to all of them is as many records."""

MOST_SCOPES: Final = 10_000
"""That have families; anybody may name scopes as well."""

MOST_IN_ALL: Final = 50_000
"""Families of all scopes."""

Admission = Literal["known", "new", "families_exceeded", "scopes_exceeded", "counted"]
"""What became of a name: the first that finds no room is `…_exceeded`, the next ones are only counted."""


@dataclass(slots=True)
class ScopeFamilies:
    """The families of a scope.

    Args:
        names: `scope/family`, in the order they came, and whether a known key has named it.
        n_more: Times that one was named for which there was no place.
    """

    names: dict[str, bool] = field(default_factory=dict)
    n_more: int = 0


@dataclass(slots=True)
class Families:
    """The families of all scopes.

    Args:
        by_scope: In the order in which the scopes came.
        n_families: How many families there are in all.
        n_more_scopes: Times that a scope was named for whose families there was no place.
    """

    by_scope: dict[str, ScopeFamilies] = field(default_factory=dict)
    n_families: int = 0
    n_more_scopes: int = 0

    def admit(self, family: str, *, is_signed: bool, is_governed: Callable[[str], bool]) -> Admission:
        """Take note of a family.

        Beyond the bound one that somebody has named with a key of the scope takes the place of the last one that
        nobody has; a scope with rules or settings of its own, or a signed family, that of the last one with neither.

        Args:
            family: `scope/family`.
            is_signed: A source of the scope has named it.
            is_governed: Whether a scope has rules or settings of its own.
        """
        scope = scope_of(family)
        is_new_scope = scope not in self.by_scope and len(self.by_scope) >= MOST_SCOPES
        if is_new_scope and not self._make_room(scope, is_signed, is_governed):
            self.n_more_scopes += 1
            return "scopes_exceeded" if self.n_more_scopes == 1 else "counted"
        known = self.by_scope.setdefault(scope, ScopeFamilies())
        if family in known.names:
            return "known"
        is_full = len(known.names) >= MOST_FAMILIES
        if is_full or (self.n_families >= MOST_IN_ALL and not self._make_room(scope, is_signed, is_governed)):
            last = next((name for name in reversed(known.names) if not known.names[name]), None) if is_signed else None
            if last is None:
                known.n_more += 1
                return "families_exceeded" if known.n_more == 1 else "counted"
            del known.names[last]
            self.n_families -= 1
        self.n_families += 1
        known.names[family] = is_signed
        return "new"

    def of(self, scope: str) -> list[str]:
        """Return the families of a scope, sorted."""
        known = self.by_scope.get(scope)
        return [] if known is None else sorted(known.names)

    def _make_room(self, scope: str, is_signed: bool, is_governed: Callable[[str], bool]) -> bool:
        """Forget the last scope that nobody has signed for, for the sake of one that somebody has."""
        if is_signed or is_governed(scope):
            for name in reversed(self.by_scope):
                names = self.by_scope[name].names
                if name != scope and not any(names.values()) and not is_governed(name):
                    del self.by_scope[name]
                    self.n_families -= len(names)
                    return True
        return False
