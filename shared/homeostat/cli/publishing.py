"""From JSON that a person wrote to a record at a door."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from homeostat.audit.keys import load
from homeostat.audit.signing import signed_bytes
from homeostat.cli.connection import Session
from homeostat.cli.exits import usage
from homeostat.cli.records import topics_of
from homeostat.client.doors import door_of, full_type
from homeostat.codec import Output
from homeostat.codec.decode import first_error
from homeostat.codec.encode import JSON, encode_headers, partition_of
from homeostat.core.event import identity
from homeostat.events import MODELS


def parse(text: str, where: str) -> Any:
    """Read JSON.

    Raises:
        CommandFailed: It is none.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise usage(f"{where} is not JSON: {error}") from None


class Publisher:
    """Publishes JSON events.

    Args:
        session: Connection.
        log: Log to write to; empty takes the door of each type.
        key: Name of the key to sign with; empty signs nothing.
        is_checked: Refuse here what a door would refuse for its form.
    """

    def __init__(self, session: Session, *, log: str = "", key: str = "", is_checked: bool = True) -> None:
        self._session, self._is_checked = session, is_checked
        self._log = topics_of([log], ())[0] if log else ""
        self._client = session.client()
        self._key = load(session.settings.keys_dir, key) if key else None

    def send(self, event: Mapping[str, Any], number: int) -> str:
        """Send `{"type", "subject", "data"}`, with `id` and `source` if given.

        Args:
            event: As read.
            number: Of the line, for messages.

        Returns:
            Its identity.

        Raises:
            CommandFailed: It has another form.
            Reject: There is no such type, or no door takes it.
        """
        if not isinstance(event, Mapping) or not {"type", "subject", "data"} <= set(event):
            raise usage(f'event {number}: a line is {{"type": …, "subject": …, "data": {{…}}}}')
        unknown = sorted(set(event) - {"type", "subject", "data", "id", "source"})
        if unknown:
            raise usage(f"event {number}: unknown fields {', '.join(unknown)}; there are type, subject, data, id, source")
        type_ = full_type(event["type"])
        if self._is_checked:
            try:
                model = MODELS[type_].model_validate_json(msgspec.json.encode(event["data"]))
            except ValidationError as error:
                raise usage(f"event {number}: {event['type']}: {first_error(error)}") from None
            value = msgspec.json.encode(model.model_dump(mode="json", exclude_none=True), order="sorted")
        else:
            value = msgspec.json.encode(event["data"])
        log = self._log or door_of(type_)
        return self._send(log, type_, event, value)

    def _send(self, log: str, type_: str, event: Mapping[str, Any], value: bytes) -> str:
        source = str(event.get("source", self._client.source))
        id_, subject, now = str(event.get("id") or self._client.new_id()), str(event["subject"]), self._client.now()
        headers = encode_headers(
            id_=id_,
            source=source,
            type_=type_,
            time=now,
            subject=subject,
            content_type=JSON,
            story=identity(source, id_),
        )
        if self._key is not None:
            signed = signed_bytes(type_, subject, source, id_, value)
            headers += [("signature", self._key.sign(signed).encode()), ("key-id", self._key.key_id.encode())]
        logs, raw = self._session.logs, subject.encode()
        logs.send(Output(log, partition_of(raw, logs.places(log)), raw, value, headers))
        return identity(source, id_)
