"""From a payload to a record: an identity nobody else uses, headers, a signature."""

import itertools
import secrets
import time
from dataclasses import replace
from typing import Final

from homeostat.audit.keys import Key
from homeostat.codec import Output, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Payload, Reject
from homeostat.core.identity import identity
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES

_NONCE_BYTES: Final = 8
_BRINGING_KEYS: Final = (TELEMETRY, TRACES, REQUESTS, REPORTS)
"""Doors have no keyring: what is signed brings the public key, so that a door can tell it from junk."""


class EventBuilder:
    """Builds the records of what one client says; ids are a random prefix and a counter.

    Args:
        source: CloudEvents `source`.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._nonce, self._counter = secrets.token_hex(_NONCE_BYTES), itertools.count()

    def new_id(self) -> str:
        """Return an id that no event of this source has had."""
        return f"{self._nonce}-{next(self._counter)}"

    def build(self, log: str, subject: str, data: Payload, n_partitions: int = 1, key: Key | None = None) -> Output:
        """Lay a payload out as a record of a log, signed if there is a key.

        Args:
            log: Topic.
            subject: Key.
            data: Payload.
            n_partitions: Of the topic.
            key: Who signs; None: unsigned.

        Raises:
            Reject: `payload_invalid`, `header_invalid`: a text is no UTF-8.
        """
        try:
            value, content_type = encode_payload(data)
        except (UnicodeEncodeError, ValueError) as error:
            raise Reject("payload_invalid", f"a text of the payload is no UTF-8: {error}") from None
        return self.build_value(
            log, subject, data.TYPE, value, n_partitions, content_type=content_type, key=key, id_=self.new_id()
        )

    def build_value(
        self,
        log: str,
        subject: str,
        type_: str,
        value: bytes,
        n_partitions: int,
        *,
        content_type: bytes,
        id_: str,
        source: str = "",
        key: Key | None = None,
    ) -> Output:
        """Lay a value out as a record of a log, whatever it is; `source` replaces the client's.

        Args:
            log: Topic.
            subject: Key.
            type_: CloudEvents type.
            value: Payload.
            n_partitions: Of the topic.
            content_type: Of the value.
            id_: Of the event.
            source: Instead of the client's.
            key: Who signs; None: unsigned.
        """
        source = source or self.source
        key_bytes = utf8("the subject", subject)
        utf8("the source or the id", source + id_)
        headers = encode_headers(
            id_=id_,
            source=source,
            type_=type_,
            time=int(time.time() * 1000),  # the sender's; the broker's is what counts
            subject=subject,
            content_type=content_type,
            story=identity(source, id_),
        )
        if key is not None:
            headers += key.headers(type_, subject, source, id_, value)
            if log in _BRINGING_KEYS:
                headers.append(("public-key", key.public_key_hex.encode()))
        return Output(log, partition_of(key_bytes, n_partitions), key_bytes, value, headers)


def utf8(what: str, text: str) -> bytes:
    """Encode a text.

    Raises:
        Reject: `header_invalid`: it has halves of surrogate pairs, as file names that are no UTF-8 do.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Reject("header_invalid", f"key and headers are UTF-8, {what} is not: {error}") from None


def place(output: Output, n_partitions: int) -> Output:
    """Return the record for a log of so many partitions."""
    return replace(output, partition=partition_of(output.key, n_partitions))


def identity_of(output: Output) -> str:
    """Identity of a built record."""
    headers = dict(output.headers)
    return identity(headers["ce_source"].decode(), headers["ce_id"].decode())
