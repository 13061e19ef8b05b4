"""`homeostat roles`: who may do what, given and taken by signed requests."""

from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_KEY,
    DataDir,
    Json,
    KeyName,
    Reason,
    Timeout,
    check_name,
)

app = typer.Typer(no_args_is_help=True, help="Show, grant and revoke what principals may do.")
_TIMEOUT_SECONDS: Final = 10.0

Principal = Annotated[str, typer.Argument(callback=check_name, help="Person or service, as in the keyring.")]
Role = Annotated[
    str,
    typer.Argument(
        metavar="ROLE[@SCOPE]",
        help="operator, approver, admin, source, notary, hand:SERVICE or hand:SERVICE/TOPIC; in a scope, or everywhere "
        "without it.",
    ),
]


@app.command()
def show(ctx: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR, is_json: Json = False) -> None:
    """Show every principal with its roles and the keys that are not revoked."""
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import rows

    with session(ctx, data_dir) as opened:
        law = in_force(opened.logs)
    keys: dict[str, list[str]] = {}
    for key, principal in law.keys.items():
        keys.setdefault(principal, []).append(key)
    names = sorted({*law.roles, *keys})
    table: list[tuple[Any, ...]] = [
        (name, ", ".join(sorted(law.roles.get(name, ()))), ", ".join(sorted(keys.get(name, ())))) for name in names
    ]
    rows(("principal", "roles", "keys"), table, is_json=is_json)


@app.command()
def grant(
    ctx: typer.Context,
    principal: Principal,
    role: Role,
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let a principal do more. All but operator and source takes two admins once there are two: 5 for the first."""
    from homeostat.events import RoleGranted

    _request(ctx, RoleGranted, principal, role, {}, key, timeout, data_dir)


@app.command()
def revoke(
    ctx: typer.Context,
    principal: Principal,
    role: Role,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Take a role back, from the next event on."""
    from homeostat.events import RoleRevoked

    _request(ctx, RoleRevoked, principal, role, {"reason": reason}, key, timeout, data_dir)


def _request(ctx: typer.Context, type_: Any, principal: str, role: str, more: dict[str, str], *where: Any) -> None:
    from homeostat.events.logs import GOVERNANCE_KEY
    from homeostat_tools.cli.output import say
    from homeostat_tools.cli.requests import ask, payload

    name, _, scope = role.partition("@")
    data = payload(type_, {"principal": principal, "role": name, "scope": scope or "*"} | more)
    ask(ctx, data, GOVERNANCE_KEY, *where)
    say(f"{principal} {'has' if not more else 'has no more'} {data.role}@{data.scope}")
