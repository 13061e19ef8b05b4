"""`homeostat approve|deny|budget|revert`: what people decide, signed."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from homeostat.core.identity import scope_of
from homeostat_tools.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_KEY,
    DataDir,
    KeyName,
    Model,
    Reason,
    Scope,
    Timeout,
    finite,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from homeostat.audit.keys import Key
    from homeostat.core import Event, Payload
    from homeostat.events import Data
    from homeostat_tools.cli.connection import Session
    from homeostat_tools.cli.responses import Answered

D = TypeVar("D", bound="Data")
TIMEOUT_SECONDS: Final = 10.0
_N_NAMED: Final = 5
Action = Annotated[str, typer.Argument(metavar="ID", help="The action: identity of its proposal, or its ending.")]


def send(
    opened: "Session",
    data: "Payload",
    scope: str,
    key: "str | Key",
    is_answer: "Answered | None",
    timeout: float,
    *,
    may_be_silent: bool = False,
) -> "Event | None":
    """Sign a request, publish it, wait for what comes of it; see `Answers.wait`.

    Raises:
        KeyMissing: There is no such key.
        CommandFailed: It was refused, or nothing came in time.
    """
    from homeostat_tools.cli.output import hint
    from homeostat_tools.cli.responses import Answers

    client = opened.client(key)
    answers = Answers(opened.logs)
    request = client.request(data, scope)
    client.flush()
    hint(f"sent as {request}")
    return answers.wait(request, is_answer, timeout, may_be_silent=may_be_silent)


def ask(ctx: typer.Context, data: "Payload", scope: str, key: str, timeout: float, data_dir: "Path") -> None:
    """Sign a request, publish it, wait until the governor has worked past it; see `send`."""
    from homeostat_tools.cli.connection import session

    with session(ctx, data_dir) as opened:
        send(opened, data, scope, key, None, timeout)


def payload(type_: "type[D]", fields: "Mapping[str, Any]") -> "D":
    """Make what a request says of what was typed.

    Raises:
        CommandFailed: `USAGE`: a field is not as it must be.
    """
    from pydantic import ValidationError

    from homeostat.codec.decode import first_error
    from homeostat_tools.cli.exit_codes import usage

    try:
        return type_.model_validate(fields)
    except ValidationError as error:
        raise usage(first_error(error)) from None


def _verdict(
    ctx: typer.Context,
    id_: str,
    key: str,
    timeout: float,
    data_dir: "Path",
    make: "Callable[[str], Payload]",
    *,
    may_be_silent: bool = False,
) -> Any:
    """Answer a held action and return the verdict that follows; None where the governor only took note."""
    from homeostat_tools.cli.connection import session

    with session(ctx, data_dir) as opened:
        action, scope = _held(opened, id_)
        data: Any = send(
            opened,
            make(action),
            scope,
            key,
            lambda admitted, event: _is_verdict(action, admitted, event),
            timeout,
            may_be_silent=may_be_silent,
        )
        return None if data is None else data.data


def _held(opened: "Session", id_: str) -> tuple[str, str]:
    """The action that an identity or its ending means, and its scope.

    Raises:
        CommandFailed: None with a verdict, or more than one.
    """
    from homeostat.core import Reject
    from homeostat.events import VerdictGiven
    from homeostat.events.logs import VERDICTS
    from homeostat_tools.cli.exit_codes import not_found, usage
    from homeostat_tools.cli.rendering import attributes, event_of

    if not id_.strip():
        raise usage("name the action: its identity, or an ending of it; `homeostat tail verdicts` shows them")
    raw = json.dumps(id_, ensure_ascii=False)[1:-1].encode(errors="surrogateescape")  # as it stands in a payload
    found: dict[str, str] = {}
    for record in opened.logs.read([VERDICTS]):
        if attributes(record).type != VerdictGiven.TYPE or raw not in (record.value or b""):
            continue
        try:
            verdict: Any = event_of(record).data
        except Reject:
            continue  # of a version that this one cannot read
        if verdict.action.endswith(id_):
            found[verdict.action] = scope_of(verdict.family)
    if len(found) > 1 and id_ not in found:
        some = ", ".join(sorted(found)[:_N_NAMED])
        raise usage(f"{len(found)} actions end in {id_!r}: {some}; write more of it")
    if not found:
        raise not_found(f"no action with a verdict ends in {id_!r}; `homeostat tail verdicts` shows them")
    return (id_, found[id_]) if id_ in found else found.popitem()


def _is_verdict(action: str, admitted: Any, event: Any) -> bool:
    from homeostat.events import VerdictGiven

    return isinstance(event.data, VerdictGiven) and event.data.action == action and event.cause == admitted.identity


def approve(
    ctx: typer.Context,
    id_: Action,
    emergency: Annotated[bool, typer.Option(help="Go through a freeze; needs two people.")] = False,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Approve an action that is held for a person. Exits 4 if a rule still denies it, 5 while more is needed."""
    from homeostat.events import ApprovalGiven
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit
    from homeostat_tools.cli.one_line import summary
    from homeostat_tools.cli.output import say

    verdict = _verdict(
        ctx,
        id_,
        key,
        timeout,
        data_dir,
        lambda action: ApprovalGiven(action=action, is_emergency=emergency, reason=reason),
        may_be_silent=emergency,  # the first of two
    )
    if verdict is None:
        raise CommandFailed(
            Exit.PENDING, f"it is an emergency for one; a second person is needed: homeostat approve {id_} --emergency"
        )
    say(summary(verdict))
    codes = {"approved": Exit.OK, "held": Exit.PENDING}
    raise typer.Exit(codes.get(verdict.verdict, Exit.DENIED))


def deny(
    ctx: typer.Context,
    id_: Action,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Deny an action that is held for a person."""
    from homeostat.events import ApprovalDenied
    from homeostat_tools.cli.one_line import summary
    from homeostat_tools.cli.output import say

    verdict = _verdict(ctx, id_, key, timeout, data_dir, lambda a: ApprovalDenied(action=a, reason=reason))
    say(summary(verdict))


def budget(
    ctx: typer.Context,
    scope: Scope,
    money: Annotated[
        float, typer.Argument(min=0.0, callback=finite, help="Per period, in the currency of the prices.")
    ],
    period: Annotated[str, typer.Option(help="Length of a period: 1h, 1d, 30d.")] = "1d",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Set what automation may spend in a scope."""
    from homeostat.events import BudgetSet
    from homeostat_tools.cli.output import say
    from homeostat_tools.cli.times import duration_ms

    ask(ctx, BudgetSet(scope=scope, money=money, period_ms=duration_ms(period)), scope, key, timeout, data_dir)
    say(f"{scope} may spend {money:g} per {period}")


def revert(
    ctx: typer.Context,
    model: Model,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Bring the last known good version of a model back."""
    from homeostat.events import RevertRequested, RolloutRevert
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import say

    with session(ctx, data_dir) as opened:
        event: Any = send(
            opened,
            RevertRequested(model=model, reason=reason),
            scope_of(model),
            key,
            lambda admitted, event: (
                isinstance(event.data, RolloutRevert)
                and event.cause == admitted.identity
                and opened.is_notarised(event)
            ),
            timeout,
        )
    say(f"{model} goes back to {event.data.champion}")
