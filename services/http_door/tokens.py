"""Static tokens: a table of digests in a file, and one token that may say everything."""

import os
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homeostat.audit.secret_file import ensure_secret
from homeostat.core import Halt
from homeostat.events.base import Name
from homeostat.services.http_door.grants import EVERY_SCOPE, Grant, doors_of

log = structlog.get_logger(__name__)
_OPEN: Final = 0o022
"""Whoever writes the table makes himself a token."""

_ALL: Final = ("telemetry", "traces", "requests", "reports")


class TokensInvalid(Halt):
    """The table of tokens cannot be used.

    Operator: correct what is named; docs/http.md has an example.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"tokens {path}: {why}; docs/http.md has an example")
        self.path = path


class _Row(BaseModel):
    """One token of the table."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=128)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: list[Name | Annotated[str, Field(pattern=r"^\*$")]] = Field(min_length=1)
    doors: list[str] = list(_ALL)
    events_per_second: float | None = Field(default=None, gt=0.0)


class _Table(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    tokens: list[_Row]


def read_table(path: Path) -> dict[str, Grant]:
    """Read the table of tokens.

    Returns:
        What each token may do, by the sha256 of the token in hex.

    Raises:
        TokensInvalid: It cannot be read, others may write it, or something in it is wrong.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            table = _Table.model_validate(tomllib.load(file))
        if mode & _OPEN:
            raise TokensInvalid(path, f"mode {mode & 0o777:04o} lets others write it: chmod go-w")
        rows = {row.sha256: _grant(row) for row in table.tokens}
    except OSError as error:
        raise TokensInvalid(path, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise TokensInvalid(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:  # TOML, doors
        raise TokensInvalid(path, str(error)) from None
    if len({grant.name for grant in rows.values()}) < len(table.tokens):
        raise TokensInvalid(path, "names and digests are given once each")
    return rows


def _grant(row: _Row) -> Grant:
    return Grant(row.name, frozenset(row.scopes), doors_of(row.doors), row.events_per_second)


class Tokens:
    """Static tokens; a changed table holds from the next look on, a wrong one leaves the last right one in force.

    Args:
        table: File with the digests; None: there is none.
        secret: File with a token that may say everything; made if it is not there. None: there is none.

    Raises:
        TokensInvalid: The table cannot be used.
        SecretUnusable: The token cannot.
    """

    def __init__(self, table: Path | None, secret: Path | None) -> None:
        self._path, self._seen = table, _stamp(table)
        self._table: Mapping[str, Grant] = read_table(table) if table else {}
        self._own = {_digest(ensure_secret(secret)): Grant("token-file", frozenset({EVERY_SCOPE}))} if secret else {}

    def grant_of(self, token: str) -> Grant | None:
        """What a token may do; None if nobody knows it."""
        digest = _digest(token)  # the look-up is by digest, so its time tells nothing of a token
        return self._own.get(digest) or self._table.get(digest)

    def look(self) -> None:
        """Read the table anew if the file is another one."""
        stamp = _stamp(self._path)
        if self._path is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._table = read_table(self._path)
        except TokensInvalid as invalid:
            log.error("tokens_unreadable", reason=str(invalid))
        else:
            log.info("tokens_read", tokens=len(self._table))


def _digest(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()


def _stamp(path: Path | None) -> Any:
    try:
        facts = path.stat() if path else None
    except OSError:
        return None
    return facts and (facts.st_mtime_ns, facts.st_ino, facts.st_size)
