"""`homeostat keys`: private keys of this machine, and their place in the keyring."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Timeout

if TYPE_CHECKING:
    from homeostat.audit.keys import Key
    from homeostat_tools.cli.connection import Session

app = typer.Typer(no_args_is_help=True, help="Create, show, register and rotate the keys that sign requests.")
_TIMEOUT_SECONDS: Final = 10.0
Name = Annotated[str, typer.Argument(autocompletion=completion.keys, help="Of the key; its principal in the keyring.")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="operator, approver, admin, source, notary, hand:SERVICE[/TOPIC]; the first key is an admin."
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        autocompletion=completion.keys,
        help="Key of an admin that signs the registration; not needed for the first.",
    ),
]


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    role: Roles = None,
    by: By = "",
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make a private key and register its public key, if a broker answers."""
    from homeostat.audit.keys import create as create_key
    from homeostat.runtime.kafka_errors import BrokerUnreachable
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import hint, say

    with session(ctx, data_dir) as opened:
        key = create_key(opened.settings.keys_dir, name)
        say(f"{key.key_id} {key.public_key_hex}")
        hint(f"the private key is {opened.settings.keys_dir / name}.pem: nobody else may read it")
        try:
            _register(opened, key, role or [], by, timeout)
        except BrokerUnreachable as away:
            hint(f"not registered: {away}; later: homeostat keys register {name}")


@app.command()
def register(
    ctx: typer.Context,
    name: Name,
    role: Roles = None,
    by: By = "",
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Put the public key of a key file into the keyring."""
    from homeostat.audit.keys import load
    from homeostat_tools.cli.connection import session

    with session(ctx, data_dir) as opened:
        _register(opened, load(opened.settings.keys_dir, name), role or [], by, timeout)


def _register(opened: "Session", key: "Key", roles: list[str], by: str, timeout: float) -> None:
    from homeostat.events import KeyRegistered
    from homeostat.events.logs import GOVERNANCE_KEY
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint
    from homeostat_tools.cli.requests import payload, send

    law = in_force(opened.logs)
    if key.key_id in law.keys:
        hint(f"{key.key_id} is in the keyring already")
        return
    is_first = not law.keys
    if not is_first and not by:
        admins = sorted(name for name, granted in law.roles.items() if "admin@*" in granted)
        raise usage(
            f"the keyring has an admin already: add --by NAME with the key of one of them ({', '.join(admins)}); "
            f"the key file is there, so: homeostat keys register {key.name} --by NAME"
        )
    given = roles or (["admin"] if is_first else ["operator"])
    body = {"key": key.key_id, "public_key": key.public_key_hex, "principal": key.name, "roles": given}
    data = payload(KeyRegistered, body)
    send(opened, data, GOVERNANCE_KEY, by or key, None, timeout)  # the first key signs itself
    hint(f"registered {key.name} as {', '.join(given)}")


@app.command()
def services(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Some of them: notary, or a hand; default: all.")
    ] = None,
    by: By = "",
    is_made: Annotated[
        bool,
        typer.Option("--create/--no-create", help="Make keys that are missing; else only public halves are read."),
    ] = True,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make the keys of the notary and the hands, and register them: reports count only if their hand has signed them.

    `homeostat up` does it by itself. Elsewhere each hand gets its own private key, and nobody else's: make it where the
    hand runs, with its name, and register them all where an admin's key and the public halves lie, with --no-create.
    """
    from homeostat.events.logs import GOVERNANCE_KEY
    from homeostat.runtime.registry import signer_roles
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint, say
    from homeostat_tools.cli.requests import send
    from homeostat_tools.local_stack.enrolment import ensure_key, registration

    known = signer_roles()
    wanted = names or list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise usage(f"{unknown[0]!r} is no service that signs; there are {', '.join(known)}")
    with session(ctx, data_dir) as opened:
        folder = opened.settings.keys_dir
        if is_made:
            for name in wanted:
                ensure_key(folder, name)
        keys = [registration(folder, name) for name in wanted]
        if not by:
            for data in keys:
                say(f"{data.principal} {data.key} {', '.join(data.roles)}")
            hint("to register them: homeostat keys services --by ADMIN")
            return
        known = in_force(opened.logs).keys
        for data in keys:
            if data.key not in known:
                send(opened, data, GOVERNANCE_KEY, by, None, timeout)
            say(f"{data.principal} {data.key} {', '.join(data.roles)}")


@app.command()
def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Its id, as `homeostat roles show` lists it; or a name of this machine.")],
    by: By = "operator",
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; it is kept with the request.")] = "",
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Take a key out of the keyring for good, from the next event on; its principal keeps roles and other keys."""
    from homeostat.audit.keys import KeyMissing, KeyNameInvalid, load
    from homeostat.events import KeyRevoked
    from homeostat.events.logs import GOVERNANCE_KEY
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint, say
    from homeostat_tools.cli.requests import send

    with session(ctx, data_dir) as opened:
        try:
            id_ = load(opened.settings.keys_dir, key).key_id
        except (KeyMissing, KeyNameInvalid):
            id_ = key
        known = in_force(opened.logs).keys
        send(opened, KeyRevoked(key=id_, reason=reason), GOVERNANCE_KEY, by, None, timeout)
    say(f"{id_} is revoked")
    if others := sorted(other for other, whose in known.items() if whose == known.get(id_) and other != id_):
        hint(f"{known[id_]} signs with {', '.join(others)} too: whoever had this key may have registered one of them")


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(autocompletion=completion.keys, help="One key; default: all of this machine.")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show names, ids and public keys, never a private one; a public key file that is missing or wrong is written."""
    from homeostat.audit.keys import load, publish
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.output import hint, rows

    folder = settings_of(data_dir).keys_dir
    names = [name] if name else sorted(path.stem for path in folder.glob("*.pem") if "." not in path.stem)
    keys = [load(folder, each) for each in names]
    for key in keys:
        publish(folder, key)
    table: list[tuple[Any, ...]] = [(key.name, key.key_id, key.public_key_hex) for key in keys]
    rows(("name", "key", "public_key"), table, is_json=is_json)
    if not names:
        hint(f"no keys in {folder}; `homeostat keys create NAME`")


@app.command()
def rotate(
    ctx: typer.Context,
    name: Name,
    by: By = "",
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Put a new key in the place of an old one, register it, revoke the old one; roles stay with the principal.

    A service signs with its old key until it is started again: that one is not revoked, and what it has signed counts.
    A key that is not in the keyring changes on disk alone.
    """
    from homeostat.audit.keys import load
    from homeostat.audit.keys import rotate as rotate_key
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint, say
    from homeostat_tools.cli.rotation import announce, check_admin, is_service

    with session(ctx, data_dir) as opened:
        law = in_force(opened.logs)  # without a broker nothing is rotated: the keyring could not follow
        present = load(opened.settings.keys_dir, name)
        signer = load(opened.settings.keys_dir, by) if by else None
        is_known, is_own = present.key_id in law.keys, is_service(law, present)
        if is_known and not is_own:
            check_admin(law, signer or present)
        old, new = rotate_key(opened.settings.keys_dir, name)
        if is_known:
            announce(opened, old, new, signer, timeout, is_revoked=not is_own)
        if not is_known or is_own:
            kept = f"; {old.key_id} is not revoked: it counts for what it has signed" if is_own else ""
            hint(f"restart the services: they read the keys of {name} when they start{kept}")
    say(f"{new.key_id} {new.public_key_hex}")
