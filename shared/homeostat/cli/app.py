"""The command line, put together from one module per group. What a command needs is imported when it runs."""

from collections.abc import Callable
from typing import Final

import typer

from homeostat.cli import (
    audits,
    bench,
    dataset,
    demo,
    evaluate,
    events,
    features,
    injecting,
    keys,
    quarantine,
    replays,
    requests,
    rules,
    schemas,
    stack,
    stories,
    topics,
)
from homeostat.cli.exits import EPILOG
from homeostat.cli.group import Group

app: Final = typer.Typer(
    name="homeostat",
    cls=Group,
    help="A system that learns how its models should learn, and can prove every step.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

_COMMANDS: Final[tuple[tuple[str, tuple[Callable[..., None], ...]], ...]] = (
    ("Run", (stack.up, stack.down, stack.status, stack.doctor, demo.demo, evaluate.evaluate)),
    ("Look and feed", (events.publish, events.tail, injecting.inject_drift, stories.story, stories.why)),
    (
        "Decide",
        (requests.approve, requests.deny, requests.freeze, requests.unfreeze, requests.budget, requests.revert),
    ),
    ("Decide", (rules.apply,)),
    ("Prove", (replays.replay, replays.export, bench.bench, schemas.schemas)),
)

for _panel, _functions in _COMMANDS:
    for _function in _functions:
        app.command(rich_help_panel=_panel)(_function)
app.add_typer(topics.app, name="topics", rich_help_panel="Look and feed")
app.add_typer(quarantine.app, name="quarantine", rich_help_panel="Look and feed")
app.add_typer(dataset.app, name="dataset", rich_help_panel="Look and feed")
app.add_typer(features.app, name="features", rich_help_panel="Look and feed")
app.add_typer(audits.app, name="audit", rich_help_panel="Prove")
app.add_typer(keys.app, name="keys", rich_help_panel="Decide")


def main() -> None:
    """Run the command line."""
    app()
