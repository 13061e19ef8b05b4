"""Requests remembered while something is measured: a bounded number, and never less than one event has."""

from typing import TypeVar

V = TypeVar("V")


def evict(by_request: dict[str, V], limit: int, n_before: int, n_rows: int) -> None:
    """Drop the oldest requests above the limit.

    What was remembered before an event is kept unless the event brings new requests, and so are all rows of the event:
    a long one would push out its own rows, or those that its successors answer.

    Args:
        by_request: The oldest first; changed in place.
        limit: Requests, >= 1.
        n_before: Requests remembered before the event.
        n_rows: Rows of the event.
    """
    while len(by_request) > max(limit, n_before, n_rows):
        del by_request[next(iter(by_request))]
