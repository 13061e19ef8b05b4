"""`homeostat freeze|unfreeze`: stop every new action in a scope or on a model, and let it go on."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.core.identity import scope_of
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, Frozen, KeyName, Reason, Timeout
from homeostat_tools.cli.requests import TIMEOUT_SECONDS, send

if TYPE_CHECKING:
    from homeostat.client.logs import Logs
    from homeostat.commands import NotaryKeyMissing
    from homeostat_tools.cli.exit_codes import CommandFailed


def freeze(
    ctx: typer.Context,
    scope: Frozen,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the hands of every policy partition have confirmed.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what nobody has heard of.")] = False,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Stop every new action in a scope, or on one model. Without a broker it brakes the hands here by a file.

    A scope or model that nobody knows is asked about, or needs --force: a freeze that is mistyped holds nothing.
    """
    from homeostat.client.brake import publish_pending, release_brake
    from homeostat.commands import NotaryKeyMissing
    from homeostat.events import BrakeSet, FreezeSet
    from homeostat.runtime.kafka_errors import BrokerUnreachable
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.freezing import Confirmed, brake_here, is_answered
    from homeostat_tools.cli.output import hint, say

    data = FreezeSet(scope=scope, reason=reason)
    with session(ctx, data_dir) as opened:
        try:
            opened.logs.topics()
        except BrokerUnreachable as away:
            path = brake_here(opened, data, key)
            hint(str(away))
            say(f"{scope} is braked on this machine by {path}")
            hint(f"`homeostat up` publishes it when the broker is back; without it: homeostat freeze {scope}")
            return
        if not force:
            _check_known(opened.logs, scope)
        publish_pending(opened.settings.brake_file, opened.logs)
        confirmed = Confirmed(opened) if wait else None
        try:
            send(opened, data, scope_of(scope), key, confirmed or is_answered(opened, BrakeSet), timeout)
        except NotaryKeyMissing as missing:
            raise _unchecked(f"the freeze of {scope}", missing) from None
        release_brake(opened.settings.brake_file, scope)  # the governor's brake holds now, everywhere
    say(f"{scope} is frozen" + (f", confirmed by {confirmed.n_places} policy partitions" if confirmed else ""))


def _unchecked(what: str, missing: "NotaryKeyMissing") -> "CommandFailed":
    """Something was sent and answered, and nobody here can tell whether the governor was who answered."""
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit

    return CommandFailed(Exit.PENDING, f"{what} was sent; whether it holds cannot be checked here: {missing}")


def _check_known(logs: "Logs", scope: str) -> None:
    from difflib import get_close_matches

    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.known import unknown_among

    others = unknown_among(logs, scope)
    if others is None:
        return
    close = get_close_matches(scope, others, n=3, cutoff=0.0)
    what = f"nobody knows the {'model' if '/' in scope else 'scope'} {scope}"
    known = f"; there are {', '.join(close)}" if close else ""
    if _is_asked() and typer.confirm(f"{what}{known}. Freeze it all the same?", err=True):
        return
    raise not_found(f"{what}{known}: correct the name, or freeze it all the same with --force")


def _is_asked() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def unfreeze(
    ctx: typer.Context,
    scope: Frozen,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let actions in a scope, or on one model, go on; judgements that were kept are decided again."""
    from homeostat.client.brake import release_brake
    from homeostat.commands import NotaryKeyMissing
    from homeostat.events import BrakeReleased, FreezeLifted
    from homeostat.runtime.sealing import seals_of
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.freezing import is_answered
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint, say

    with session(ctx, data_dir) as opened:
        if is_braked_here := release_brake(opened.settings.brake_file, scope):
            say(f"{scope} is no longer braked by {opened.settings.brake_file}")
        before = in_force(opened.logs, seals_of(opened.settings)).freezes.keys()
        lift = FreezeLifted(scope=scope, reason=reason)
        try:
            send(opened, lift, scope_of(scope), key, is_answered(opened, BrakeReleased), timeout)
        except NotaryKeyMissing as missing:
            raise _unchecked(f"the lifting of {scope}", missing) from None
    if scope not in before and not is_braked_here:
        hint(f"{scope} was not frozen" + (f"; frozen are {', '.join(sorted(before))}" if before else ""))
    if wider := sorted(before & ({"*", scope_of(scope)} - {scope})):
        hint(f"it is frozen with {wider[0]} all the same: homeostat unfreeze {wider[0]}")
    say(f"{scope} goes on")
