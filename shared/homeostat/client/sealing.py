"""From a payload to a record: an identity nobody else uses, headers, a signature."""

import itertools
import secrets
import time
from typing import Final

from homeostat.audit.keys import Key
from homeostat.audit.signing import signed_bytes
from homeostat.codec import Output, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Payload
from homeostat.core.event import identity

_NONCE_BYTES: Final = 8


class Sealer:
    """Seals what one client says; ids are a random prefix and a counter.

    Args:
        source: CloudEvents `source`.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._nonce, self._counter = secrets.token_hex(_NONCE_BYTES), itertools.count()

    def new_id(self) -> str:
        """Return an id that no event of this source has had."""
        return f"{self._nonce}-{next(self._counter)}"

    def seal(self, log: str, subject: str, data: Payload, n_partitions: int, key: Key | None = None) -> Output:
        """Lay a payload out as a record of a log, signed if there is a key."""
        value, content_type = encode_payload(data)
        return self.seal_value(
            log, subject, data.TYPE, value, n_partitions, content_type=content_type, key=key, id_=self.new_id()
        )

    def seal_value(
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
        """Lay a value out as a record of a log, whatever it is; `source` replaces the client's."""
        source = source or self.source
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
            signed = signed_bytes(type_, subject, source, id_, value)
            headers += [("signature", key.sign(signed).encode()), ("key-id", key.key_id.encode())]
        return Output(log, partition_of(subject.encode(), n_partitions), subject.encode(), value, headers)


def identity_of(output: Output) -> str:
    """Identity of a sealed record."""
    headers = dict(output.headers)
    return identity(headers["ce_source"].decode(), headers["ce_id"].decode())
