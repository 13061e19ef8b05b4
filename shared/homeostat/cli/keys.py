"""`homeostat keys`: private keys of this machine, and their place in the keyring."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Timeout

if TYPE_CHECKING:
    from homeostat.audit.keys import Key
    from homeostat.cli.connection import Session

app = typer.Typer(no_args_is_help=True, help="Create, show, register and rotate the keys that sign requests.")
_TIMEOUT_SECONDS: Final = 10.0
Name = Annotated[str, typer.Argument(help="Of the key; its principal in the keyring.")]
Roles = Annotated[
    list[str] | None, typer.Option("--role", help="operator, approver, admin, notary; the first key is an admin.")
]
By = Annotated[str, typer.Option("--by", help="Key of an admin that signs the registration; not needed for the first.")]


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
    from homeostat.cli.connection import session
    from homeostat.cli.exits import usage
    from homeostat.cli.output import hint, show
    from homeostat.host.connection import BrokerUnreachable

    with session(ctx, data_dir) as opened:
        try:
            key = create_key(opened.settings.keys_dir, name)
        except ValueError as error:
            raise usage(str(error)) from None
        show(f"{key.key_id} {key.public_key_hex}")
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
    from homeostat.cli.connection import session

    with session(ctx, data_dir) as opened:
        _register(opened, load(opened.settings.keys_dir, name), role or [], by, timeout)


def _register(opened: "Session", key: "Key", roles: list[str], by: str, timeout: float) -> None:
    from pydantic import ValidationError

    from homeostat.cli.answers import Answers
    from homeostat.cli.exits import usage
    from homeostat.cli.law import in_force
    from homeostat.cli.output import hint
    from homeostat.codec.decode import first_error
    from homeostat.events import KeyRegistered
    from homeostat.events.logs import GOVERNANCE_KEY, REQUESTS

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
    try:
        data = KeyRegistered.model_validate(body)
    except ValidationError as error:
        raise usage(first_error(error)) from None
    client, answers = opened.client(by or None), Answers(opened.logs)
    request = client.request(data, GOVERNANCE_KEY) if by else client.publish(REQUESTS, GOVERNANCE_KEY, data)
    client.flush()
    answers.wait(request, None, timeout)
    hint(f"registered {key.name} as {', '.join(given)}")


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="One key; default: all of this machine.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show names, ids and public keys, never a private one; a public key file that is missing is written."""
    from homeostat.audit.keys import load, publish
    from homeostat.cli.connection import settings_of
    from homeostat.cli.output import hint, rows

    folder = settings_of(data_dir).keys_dir
    names = [name] if name else sorted(path.stem for path in folder.glob("*.pem") if "." not in path.stem)
    keys = [load(folder, each) for each in names]
    for key in keys:
        if not (folder / f"{key.name}.pub").exists():
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
    """Put a new key in the place of an old one, register it, revoke the old one; roles stay with the principal."""
    from homeostat.audit.keys import load
    from homeostat.audit.keys import rotate as rotate_key
    from homeostat.cli.connection import session
    from homeostat.cli.output import show
    from homeostat.cli.rotation import announce

    with session(ctx, data_dir) as opened:
        opened.logs.topics()  # without a broker nothing is rotated: the keyring could not follow
        signer = load(opened.settings.keys_dir, by) if by else None
        old, new = rotate_key(opened.settings.keys_dir, name)
        announce(opened, old, new, signer, timeout)
    show(f"{new.key_id} {new.public_key_hex}")
