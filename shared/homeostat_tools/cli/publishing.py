"""From JSON that a person wrote to a record at a door."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from homeostat.audit.keys import load
from homeostat.client.doors import door_of, full_type
from homeostat.client.event_builder import EventBuilder, identity_of
from homeostat.codec.decode import first_error
from homeostat.codec.encode import JSON
from homeostat.events import MODELS
from homeostat_tools.cli.connection import SOURCE, Session
from homeostat_tools.cli.exit_codes import usage
from homeostat_tools.cli.rendering import topics_of


def parse(text: str, where: str) -> Any:
    """Read JSON.

    Raises:
        CommandFailed: It is none.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise usage(f"{where} is not JSON: {error}") from None
    except RecursionError:
        raise usage(f"{where} is nested too deeply: no event is") from None


def parse_lines(lines: Iterable[str], where: str) -> Iterator[Any]:
    """Read JSON lines; empty ones are skipped.

    Raises:
        CommandFailed: A line is not JSON, or not even text.
    """
    number, rest = 0, iter(lines)
    while True:
        number += 1
        try:
            line = next(rest)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise usage(f"{where} is not UTF-8 at byte {error.start}: {error.reason}; convert it first") from None
        if line.strip():
            yield parse(line, f"line {number}")


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
        self._builder = EventBuilder(SOURCE)
        self._key = load(session.settings.keys_dir, key) if key else None

    def send(self, event: object, number: int) -> str:
        """Send `{"type", "subject", "data"}`, with `id` and `source` if given.

        Args:
            event: As read; any JSON value.
            number: Of the line, for messages.

        Returns:
            Its identity.

        Raises:
            CommandFailed: It has another form.
            Reject: There is no such type, or no door takes it.
        """
        if not (isinstance(event, dict) and {"type", "subject", "data"} <= set(event)):
            raise usage(f'event {number}: a line is {{"type": …, "subject": …, "data": {{…}}}}')
        unknown = sorted(set(event) - {"type", "subject", "data", "id", "source"})
        if unknown:
            raise usage(
                f"event {number}: unknown fields {', '.join(unknown)}; there are type, subject, data, id, source"
            )
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
        logs = self._session.logs
        output = self._builder.build_value(
            log,
            str(event["subject"]),
            type_,
            value,
            logs.n_partitions(log),
            content_type=JSON,
            id_=str(event.get("id") or self._builder.new_id()),
            source=str(event.get("source", "")),
            key=self._key,
        )
        logs.send(output)
        return identity_of(output)
