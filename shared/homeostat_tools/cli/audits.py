"""`homeostat audit`: check that the logs are what they were, and were written by who may."""

from typing import TYPE_CHECKING, Annotated

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, Json, KeyName, Reason

if TYPE_CHECKING:
    from homeostat.events import CheckpointSigned
    from homeostat_tools.cli.connection import Session

app = typer.Typer(no_args_is_help=True, help="Check the logs against the signed audit log.")
Checkpoint = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Also hold the audit log against this checkpoint, kept elsewhere (path or URL); may be given repeatedly. "
        "The auditor's own is always taken, where this machine has it.",
    ),
]


@app.callback()
def audit() -> None:
    """Check the logs against the signed audit log."""


@app.command()
def verify(
    ctx: typer.Context,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--public-key", help="In hex, of who may sign; default: the notary's, of this machine and of the keyring."
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    late: Annotated[
        str, typer.Option("--late", help="A record or leaf that has waited so long for its proof is a finding.")
    ] = "2m",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Check every record of every log against its proof, the proofs against each other, and who signed. Exits 6.

    It exits 6 if anything is found: edited, missing, reordered, cut or undigested records; deleted topics; records gone
    before their retention; leaves that nobody signed; verdicts, commands and requests without a valid signature;
    effects without a signed verdict.
    """
    import time
    from dataclasses import asdict

    from homeostat_tools.cli import auditing
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import Exit
    from homeostat_tools.cli.notaries import keyring_of, known_notaries
    from homeostat_tools.cli.output import as_json, hint, show, table
    from homeostat_tools.cli.times import duration_ms

    late_ms = duration_ms(late)
    with session(ctx, data_dir) as opened:
        keyring, refused = keyring_of(opened.logs)
        notaries = known_notaries(opened, keyring, key or ())
        kept, now = _kept(opened, checkpoint or []), int(time.time() * 1000)
        found = auditing.audit(opened.logs, notaries, keyring, refused, kept=kept, now=now, late_ms=late_ms)
    if is_json:
        as_json({"valid": not found.findings, **asdict(found)})
    else:
        show(
            f"{found.n_leaves} leaves, {found.n_signed} signed; {found.n_records} records hold, "
            f"{found.n_expired} have expired, {found.n_new} are not digested yet"
        )
        if found.findings:
            table(("what", "where", "why"), [(each.kind, each.where, each.detail) for each in found.findings])
    for begun in found.begun:
        hint(f"the audit log was begun anew by {begun}")
    if found.findings:
        raise typer.Exit(Exit.UNVERIFIED)


@app.command()
def begin(
    ctx: typer.Context,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    checkpoint: Annotated[
        str, typer.Option(metavar="FILE", help="The checkpoint that is given up; default: the auditor's own.")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let the auditor begin anew although what it has signed is gone; an admin signs for it, in the audit log itself.

    Where nothing is gone, the word explains why the audit log began late, and nothing begins anew.
    """
    from homeostat.audit.digest import GENESIS, ORIGIN
    from homeostat.audit.keys import load
    from homeostat.client.event_builder import EventBuilder
    from homeostat.events import AuditBegun
    from homeostat.events.logs import AUDIT
    from homeostat_tools.cli.connection import SOURCE, session
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.output import hint

    if not reason:
        raise usage("say why with --reason: it stands in the audit log for good")
    with session(ctx, data_dir) as opened:
        signer = load(opened.settings.keys_dir, key)
        kept = _kept(opened, [checkpoint] if checkpoint else [])
        is_anew = not _holds(opened, kept)
        size, root = (kept[0].tree_size, kept[0].root_hash) if kept and is_anew else (0, GENESIS)
        word = AuditBegun(
            topic_id=opened.logs.topic_id(AUDIT),
            is_anew=is_anew,
            abandoned_size=size,
            abandoned_root=root,
            reason=reason,
        )
        opened.logs.send(EventBuilder(SOURCE).build(AUDIT, ORIGIN, word, key=signer))
        opened.logs.flush()
    what = (
        f"begins anew, without the {size} leaves that were signed" if is_anew else "began late: nothing of it is lost"
    )
    hint(f"{signer.name} has signed that the audit log {what}")


def _holds(opened: "Session", kept: "list[CheckpointSigned]") -> bool:
    """Whether the audit log is one chain, and the kept checkpoints are of it."""
    from homeostat_tools.cli.auditing import chain_of
    from homeostat_tools.cli.notaries import keyring_of, known_notaries

    keyring, _ = keyring_of(opened.logs)
    return chain_of(opened.logs, known_notaries(opened, keyring), keyring, kept).is_valid


def _kept(opened: "Session", named: list[str]) -> "list[CheckpointSigned]":
    """Checkpoints that were kept outside of the broker: those that were named, and the auditor's own."""
    from homeostat.artifacts import open_pointer
    from homeostat.audit.kept import read_checkpoint
    from homeostat_tools.cli.exit_codes import not_found

    found = []
    for url in [*named, opened.settings.checkpoint_url]:
        content = open_pointer(url).read()
        if content is not None:
            found.append(read_checkpoint(content, url))
        elif url in named:
            raise not_found(f"there is no checkpoint at {url}")
    return found
