"""`homeostat approve|deny|freeze|unfreeze|budget|revert`: what people decide, signed."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, KeyName, Reason, Timeout

if TYPE_CHECKING:
    from homeostat.cli.answers import Answered
    from homeostat.cli.connection import Session
    from homeostat.core import Event, Payload

_TIMEOUT_SECONDS: Final = 10.0
Action = Annotated[str, typer.Argument(metavar="ID", help="The action: identity of its proposal, or its ending.")]
Scope = Annotated[str, typer.Argument(help="A scope, or * for everything.")]


def send(
    opened: "Session", data: "Payload", scope: str, key: str, is_answer: "Answered | None", timeout: float
) -> "Event | None":
    """Sign a request, publish it, wait for what comes of it.

    Raises:
        KeyMissing: There is no such key.
        CommandFailed: It was refused, or nothing came in time.
    """
    from homeostat.cli.answers import Answers
    from homeostat.cli.output import hint

    client = opened.client(key)
    answers = Answers(opened.logs)
    request = client.request(data, scope)
    client.flush()
    hint(f"sent as {request}")
    return answers.wait(request, is_answer, timeout)


def _verdict(ctx: typer.Context, id_: str, key: str, timeout: float, data_dir: Any, make: Any) -> Any:
    from homeostat.cli.connection import session
    from homeostat.cli.exits import not_found
    from homeostat.cli.records import attributes, event_of
    from homeostat.events import VerdictGiven
    from homeostat.events.logs import VERDICTS

    with session(ctx, data_dir) as opened:
        held: dict[str, str] = {}
        for record in opened.logs.read([VERDICTS]):
            if attributes(record).type == VerdictGiven.TYPE:
                verdict: Any = event_of(record).data
                if verdict.action.endswith(id_):
                    held[verdict.action] = verdict.family.partition("/")[0]
        if len(held) != 1:
            what = "no action" if not held else f"{len(held)} actions"
            raise not_found(f"{what} with a verdict ends in {id_!r}; `homeostat tail verdicts` shows them")
        action, scope = held.popitem()
        data: Any = send(
            opened, make(action), scope, key, lambda admitted, event: _is_verdict(action, admitted, event), timeout
        )
        return data.data


def _is_verdict(action: str, admitted: Any, event: Any) -> bool:
    from homeostat.events import VerdictGiven

    return isinstance(event.data, VerdictGiven) and event.data.action == action and event.cause == admitted.identity


def approve(
    ctx: typer.Context,
    id_: Action,
    emergency: Annotated[bool, typer.Option(help="Go through a freeze; needs two people.")] = False,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Approve an action that is held for a person. Exits 4 if a rule still denies it, 5 while more is needed."""
    from homeostat.cli.exits import Exit
    from homeostat.cli.output import show
    from homeostat.cli.summaries import summary
    from homeostat.events import ApprovalGiven

    verdict = _verdict(
        ctx, id_, key, timeout, data_dir, lambda a: ApprovalGiven(action=a, is_emergency=emergency, reason=reason)
    )
    show(summary(verdict))
    codes = {"approved": Exit.OK, "held": Exit.PENDING}
    raise typer.Exit(codes.get(verdict.verdict, Exit.DENIED))


def deny(
    ctx: typer.Context,
    id_: Action,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Deny an action that is held for a person."""
    from homeostat.cli.output import show
    from homeostat.cli.summaries import summary
    from homeostat.events import ApprovalDenied

    show(summary(_verdict(ctx, id_, key, timeout, data_dir, lambda a: ApprovalDenied(action=a, reason=reason))))


def freeze(
    ctx: typer.Context,
    scope: Scope,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the hands of every policy partition have confirmed.")
    ] = False,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Stop every new action in a scope. Without a broker it brakes the hands of this machine by a file."""
    from homeostat.cli.connection import session
    from homeostat.cli.freezing import Confirmed, brake_here, is_brake
    from homeostat.cli.output import hint, show
    from homeostat.client.brake import publish_pending, release_brake
    from homeostat.events import FreezeSet
    from homeostat.host.connection import BrokerUnreachable

    data = FreezeSet(scope=scope, reason=reason)
    with session(ctx, data_dir) as opened:
        try:
            opened.logs.topics()
        except BrokerUnreachable as away:
            path = brake_here(opened, data, key)
            hint(str(away))
            show(f"{scope} is braked on this machine by {path}")
            hint(f"`homeostat up` publishes it when the broker is back; without it: homeostat freeze {scope}")
            return
        publish_pending(opened.settings.brake_file, opened.logs)
        confirmed = Confirmed(opened.logs) if wait else None
        send(opened, data, scope, key, confirmed or is_brake, timeout)
        release_brake(opened.settings.brake_file, scope)  # the governor's brake holds now, everywhere
    show(f"{scope} is frozen" + (f", confirmed by {confirmed.n_places} policy partitions" if confirmed else ""))


def unfreeze(
    ctx: typer.Context,
    scope: Scope,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let actions in a scope go on; judgements that were kept are decided again."""
    from homeostat.cli.connection import session
    from homeostat.cli.freezing import is_release
    from homeostat.cli.output import show
    from homeostat.client.brake import release_brake
    from homeostat.events import FreezeLifted

    with session(ctx, data_dir) as opened:
        if release_brake(opened.settings.brake_file, scope):
            show(f"{scope} is no longer braked by {opened.settings.brake_file}")
        send(opened, FreezeLifted(scope=scope, reason=reason), scope, key, is_release, timeout)
    show(f"{scope} goes on")


def budget(
    ctx: typer.Context,
    scope: Scope,
    money: Annotated[float, typer.Argument(min=0.0, help="Per period, in the currency of the prices.")],
    period: Annotated[str, typer.Option(help="Length of a period: 1h, 1d, 30d.")] = "1d",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Set what automation may spend in a scope."""
    from homeostat.cli.connection import session
    from homeostat.cli.output import show
    from homeostat.cli.when import duration_ms
    from homeostat.events import BudgetSet

    with session(ctx, data_dir) as opened:
        send(opened, BudgetSet(scope=scope, money=money, period_ms=duration_ms(period)), scope, key, None, timeout)
    show(f"{scope} may spend {money:g} per {period}")


def revert(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="scope/model.")],
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Bring the last known good version of a model back."""
    from homeostat.cli.connection import session
    from homeostat.cli.output import show
    from homeostat.events import RevertRequested, RolloutRevert

    with session(ctx, data_dir) as opened:
        event: Any = send(
            opened,
            RevertRequested(model=model, reason=reason),
            model.partition("/")[0],
            key,
            lambda admitted, event: isinstance(event.data, RolloutRevert) and event.cause == admitted.identity,
            timeout,
        )
    show(f"{model} goes back to {event.data.champion}")
