"""The command line, put together from one module per group. What a command needs is imported when it runs."""

from collections.abc import Callable
from typing import Annotated, Final

import typer

from homeostat_tools.cli import (
    acl,
    adapting,
    audits,
    backing_up,
    backtest,
    bench,
    check,
    conforming,
    dataset,
    demo,
    doctor,
    erasing,
    evaluate,
    events,
    features,
    freezes,
    importing,
    injecting,
    keys,
    modes,
    new,
    quarantine,
    rebuilding,
    replay,
    requests,
    roles,
    rules,
    schemas,
    stack,
    story,
    topics,
    trusting,
    trying,
    upgrading,
    value,
)
from homeostat_tools.cli.exit_codes import EPILOG
from homeostat_tools.cli.group import Group

app: Final = typer.Typer(
    name="homeostat",
    cls=Group,
    help="A system that learns how its models should learn, and can prove every step.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"homeostat {version('homeostat')}")
        raise typer.Exit


@app.callback()
def homeostat(
    is_version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A system that learns how its models should learn, and can prove every step."""


_COMMANDS: Final[tuple[tuple[str, tuple[Callable[..., None], ...]], ...]] = (
    ("Run", (stack.up, stack.down, stack.status, stack.address, doctor.doctor, demo.demo, evaluate.evaluate)),
    (
        "Look and feed",
        (events.publish, adapting.adapt, events.tail, injecting.inject_drift, story.story, story.why, check.check),
    ),
    (
        "Decide",
        (
            requests.approve,
            requests.deny,
            freezes.freeze,
            freezes.unfreeze,
            requests.budget,
            requests.revert,
            modes.act,
            modes.observe,
        ),
    ),
    ("Decide", (trusting.distrust, trusting.trust, rules.apply, acl.acl)),
    ("Prove", (replay.replay, backtest.backtest, backtest.whatif, replay.export, bench.bench, schemas.schemas)),
)

for _panel, _functions in _COMMANDS:
    for _function in _functions:
        app.command(rich_help_panel=_panel)(_function)
app.command(name="try", rich_help_panel="Look and feed")(trying.try_drift)
app.command("import", rich_help_panel="Look and feed")(importing.import_history)
app.add_typer(topics.app, name="topics", rich_help_panel="Look and feed")
app.add_typer(quarantine.app, name="quarantine", rich_help_panel="Look and feed")
app.add_typer(dataset.app, name="dataset", rich_help_panel="Look and feed")
app.add_typer(features.app, name="features", rich_help_panel="Look and feed")
app.add_typer(conforming.app, name="conform", rich_help_panel="Prove")
app.add_typer(value.app, name="report", rich_help_panel="Prove")
app.add_typer(audits.app, name="audit", rich_help_panel="Prove")
app.add_typer(keys.app, name="keys", rich_help_panel="Decide")
app.add_typer(roles.app, name="roles", rich_help_panel="Decide")
app.add_typer(new.app, name="new", rich_help_panel="Look and feed")
app.command(rich_help_panel="Decide")(erasing.erase)
app.command(rich_help_panel="Run")(backing_up.backup)
app.command(rich_help_panel="Run")(backing_up.restore)
app.add_typer(upgrading.app, name="upgrade", rich_help_panel="Run")
app.add_typer(rebuilding.app, name="folds", rich_help_panel="Run")


def main() -> None:
    """Run the command line."""
    app()
