"""JSON that somebody else wrote, read with the path of every value at hand: an error names the field."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from homeostat.adapters.cells import TimeUnit, moment
from homeostat.adapters.errors import UnreadablePayload, quoted


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside a document.

    Args:
        value: As JSON has it.
        path: Where it stands; empty for the document.
    """

    value: Any
    path: str = ""

    def fail(self, wanted: str) -> UnreadablePayload:
        """Make the error that says what this should be."""
        return UnreadablePayload(self.path or "payload", f"should be {wanted}, not {quoted(self.value)}")

    def __getitem__(self, name: str) -> "Node":
        """Return a field that must be there.

        Raises:
            UnreadablePayload: It is not, or this is no object.
        """
        found = self.maybe(name)
        if found is None:
            raise UnreadablePayload(self._at(name), "is missing")
        return found

    def maybe(self, name: str) -> "Node | None":
        """Return a field, or None if it is missing or null.

        Raises:
            UnreadablePayload: This is no object.
        """
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        found = self.value.get(name)
        return None if found is None else Node(found, self._at(name))

    def items(self) -> list["Node"]:
        """Return the elements of a list.

        Raises:
            UnreadablePayload: It is none.
        """
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return [Node(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def fields(self) -> dict[str, "Node"]:
        """Return the fields of an object.

        Raises:
            UnreadablePayload: It is none.
        """
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return {name: Node(value, self._at(name)) for name, value in self.value.items()}

    def text(self) -> str:
        """Return a text that says something.

        Raises:
            UnreadablePayload: It is none.
        """
        if not isinstance(self.value, str) or not self.value:
            raise self.fail("a text")
        return self.value

    def number(self) -> float:
        """Return a number, or what a text of one spells: 64-bit integers are texts in the JSON of protobuf. NaN passes.

        Raises:
            UnreadablePayload: It is none.
        """
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | str):
            raise self.fail("a number")
        try:
            return float(self.value)
        except (ValueError, OverflowError):
            raise self.fail("a number") from None

    def finite(self) -> float:
        """Return a number.

        Raises:
            UnreadablePayload: It is none, or none that is finite.
        """
        found = self.number()
        if not math.isfinite(found):
            raise self.fail("a finite number")
        return found

    def millis(self, unit: TimeUnit = "s") -> int:
        """Return a time in ms since the epoch: a number in `unit`, or a text as ISO 8601 has it.

        Raises:
            UnreadablePayload: It is none.
        """
        try:
            return round(1000 * moment(self.value, unit))
        except (TypeError, ValueError) as error:
            raise UnreadablePayload(self.path, str(error)) from None

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def document(payload: bytes) -> Node:
    """Read one JSON document.

    Raises:
        UnreadablePayload: It is none.
    """
    try:
        return Node(msgspec.json.decode(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadablePayload("payload", f"is no JSON: {error}") from None


def documents(payload: bytes) -> Iterator[Node]:
    """Read one JSON document, a list of them, or one a line; where there are several, paths say which.

    Raises:
        UnreadablePayload: There is none, or a line is none.
    """
    try:
        whole = Node(msgspec.json.decode(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        lines = [(number, line) for number, line in enumerate(payload.splitlines(), 1) if line.strip()]
        if len(lines) < 2:  # one line was read as a whole
            yield document(payload)
        for number, line in lines:
            try:
                yield Node(msgspec.json.decode(line), f"line {number}")
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise UnreadablePayload(f"line {number}", f"is no JSON: {error}") from None
        return
    yield from whole.items() if isinstance(whole.value, list) else [whole]
