"""`homeostat audit`: check that the logs are what they were."""

from typing import Annotated

import typer

from homeostat.cli.options import DEFAULT_DATA_DIR, DataDir, Json

app = typer.Typer(no_args_is_help=True, help="Check the logs against the signed audit log.")


@app.callback()
def audit() -> None:
    """Check the logs against the signed audit log."""


@app.command()
def verify(
    ctx: typer.Context,
    key: Annotated[
        list[str] | None,
        typer.Option("--public-key", help="In hex, of who may sign; default: the notary's, of this machine."),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Check every record of every log against its proof, and the proofs against each other. Exits 6 if one fails."""
    from dataclasses import asdict

    from homeostat.audit.keys import public_keys
    from homeostat.audit.signing import key_id
    from homeostat.cli import auditing
    from homeostat.cli.connection import session
    from homeostat.cli.exits import Exit, usage
    from homeostat.cli.output import as_json, hint, show, table
    from homeostat.host.notary import NOTARY

    with session(ctx, data_dir) as opened:
        try:
            given = {key_id(bytes.fromhex(each)): each.lower() for each in key or ()}
        except ValueError:
            raise usage("--public-key is 64 hex digits, as `homeostat keys show` prints them") from None
        found = auditing.audit(opened.logs, given or public_keys(opened.settings.keys_dir, NOTARY))
    if is_json:
        as_json({"valid": not found.findings, **asdict(found)})
    else:
        show(
            f"{found.n_leaves} leaves, {found.n_signed} signed; {found.n_records} records hold, "
            f"{found.n_expired} have expired, {found.n_new} are not digested yet"
        )
        if found.findings:
            table(("what", "where", "why"), [(each.kind, each.where, each.detail) for each in found.findings])
    for log in found.gone:
        hint(f"{log} was digested and is not there: it was deleted, or made again")
    if found.findings:
        raise typer.Exit(Exit.UNVERIFIED)
