"""What `homeostat.toml` registers beside the law: contracts of models, families with their arms, recipes."""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from homeostat.client.logs import Logs
from homeostat.codec.decode import first_error
from homeostat.codec.encode import partition_of
from homeostat.core import Reject
from homeostat.events import FamilyRegistered, ModelRegistered
from homeostat.events.logs import EXPERIENCE
from homeostat_tools.cli.exit_codes import CommandFailed, Exit, usage
from homeostat_tools.cli.policy_file import differing
from homeostat_tools.cli.refusals import refusals
from homeostat_tools.cli.rendering import attributes, event_of

_OF_SYSTEM: Final = frozenset({"provenance", "model", "learned_rows", "contract_version", "champion", "artifact"})
"""Fields of a registration that others than its author fill in, or that say what served at first."""

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Registration:
    """A model or a family, as a file wants it.

    Args:
        subject: `scope/model` or `scope/family`.
        data: What is to be registered.
        family: `scope/family`, under which what is registered lies.
    """

    subject: str
    data: ModelRegistered | FamilyRegistered
    family: str

    def lines(self, logs: Logs) -> tuple[str, ...]:
        """Say what differs from what is registered; nothing if that is the same."""
        key = self.family.encode()
        before: ModelRegistered | FamilyRegistered | None = None
        for record in logs.read([EXPERIENCE], partition=partition_of(key, logs.n_partitions(EXPERIENCE))):
            if record.key == key and attributes(record).type == self.data.TYPE:
                try:
                    data = event_of(record).data
                except Reject:
                    continue
                if isinstance(data, FamilyRegistered) or (
                    isinstance(data, ModelRegistered) and data.model == self.subject
                ):
                    before = data
        unsaid = _OF_SYSTEM if before is not None else _OF_SYSTEM - {"champion"}
        if isinstance(self.data, ModelRegistered) and not self.data.features:
            unsaid |= {"features"}  # they are learned
        if before is None:
            return differing({}, self.data.model_dump(mode="json", exclude=set(unsaid), exclude_defaults=True))
        return differing(_fields(before, unsaid), _fields(self.data, unsaid))


def registrations_of(path: Path, body: Mapping[str, Any]) -> list[Registration]:
    """Return what a file registers, families first.

    Args:
        path: For messages.
        body: Of the file.

    Raises:
        CommandFailed: It says something that is not known.
    """
    found = []
    try:
        for family, said in body.get("families", {}).items():
            found.append(Registration(family, FamilyRegistered.model_validate(said), family))
        for model, said in body.get("contracts", {}).items():
            answers_for = {name: body.get("models", {}).get(model, {}).get(name) for name in ("owner", "tier")}
            fields = {name: value for name, value in answers_for.items() if value is not None} | said
            data = ModelRegistered.model_validate({"input_width": len(said.get("features", ()))} | fields)
            found.append(Registration(model, data, f"{model.partition('/')[0]}/{data.family}"))
    except ValidationError as error:
        raise usage(f"{path}: {error.title}: {first_error(error)}") from None
    return found


def recipes_of(path: Path, body: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the command lines that a file names, with paths that lead to them from anywhere.

    Args:
        path: Of the file: what stands beside it is meant.
        body: Of the file.

    Raises:
        CommandFailed: One is no list of words, or has no `{job}`.
    """
    found = {}
    for name, line in body.get("recipes", {}).items():
        is_line = isinstance(line, list) and all(isinstance(word, str) for word in line)
        if not is_line or not any("{job}" in word for word in line):
            raise usage(f'{path}: recipes.{name} is to be a list of words, one of them "{{job}}": the file of the job')
        found[name] = tuple(_words(path.absolute().parent, line))
    return found


def _words(folder: Path, line: list[str]) -> Iterator[str]:
    for number, word in enumerate(line):
        if number == 0 and word == "python":
            yield sys.executable
        else:
            yield str(folder / word) if (folder / word).is_file() else word


def await_registered(logs: Logs, wanted: list[Registration], since: int, timeout_seconds: float) -> None:
    """Wait until what was published is in force.

    Args:
        logs: Where.
        wanted: What was published.
        since: When, by the broker's clock, ms: refusals from then on count.
        timeout_seconds: How long.

    Raises:
        CommandFailed: It was refused, or nobody has taken it in time.
    """
    deadline = time.monotonic() + timeout_seconds
    waiting = wanted
    while waiting := [one for one in waiting if one.lines(logs)]:
        for refusal in refusals(logs, since=since):
            if refusal.key in {one.subject for one in waiting}:
                why = f"{refusal.data.reason}: {refusal.data.detail}"
                raise CommandFailed(Exit.DENIED, f"{refusal.key} was refused, {why}")
        if time.monotonic() > deadline:
            names = ", ".join(one.subject for one in waiting)
            raise CommandFailed(Exit.FAILED, f"nobody has taken {names} in: is intake running? homeostat status")
        time.sleep(_POLL_SECONDS)


def _fields(data: ModelRegistered | FamilyRegistered, unsaid: frozenset[str]) -> dict[str, Any]:
    return data.model_dump(mode="json", exclude=set(unsaid))
