"""`homeostat story|why`: what happened, and why nothing does."""

from typing import Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_DATA_DIR, DataDir, Json


def story(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="Identity of any event in it, an action, or its ending.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Print one story from its first event to its outcome, as a tree by cause."""
    from rich.markup import escape
    from rich.tree import Tree

    from homeostat.cli.connection import session
    from homeostat.cli.output import as_json, hint, show
    from homeostat.cli.records import attributes
    from homeostat.cli.storytelling import find, tell
    from homeostat.cli.when import span

    with session(ctx, data_dir) as opened:
        told = tell(opened.logs, find(opened.logs, id_))
    if is_json:
        as_json(
            {
                "story": told.identity,
                "events": told.n_events,
                "milliseconds": told.ended - told.began,
                "outcome": told.outcome,
                "tree": [root.as_json() for root in told.roots],
            }
        )
        return
    tree = Tree(f"[bold]{escape(told.identity)}[/bold]")
    for root in told.roots:
        branch = tree
        if cause := attributes(root.record).cause:
            branch = tree.add(f"[dim]led to by {escape(cause)}[/dim]")
        _grow(branch, root, told.began)
    show(tree)
    show(f"[bold]outcome[/bold] {escape(told.outcome)}")
    hint(f"{told.n_events} events in {span(told.ended - told.began)}")


def _grow(tree: Any, node: Any, began: int) -> None:
    from rich.markup import escape

    from homeostat.cli.records import attributes, name_of
    from homeostat.cli.summaries import colour
    from homeostat.cli.when import span

    while True:  # a chain of single children stays on one level of indentation
        name, found = name_of(node.record), attributes(node.record)
        branch = tree.add(
            f"[dim]+{span(node.record.timestamp - began)}[/dim] [{colour(name)}]{escape(name)}[/] "
            f"{escape(found.subject)} {escape(node.text)} [dim]{escape(' '.join(node.logs))}[/dim]"
        )
        if len(node.children) != 1:
            break
        node = node.children[0]
        tree = branch
    for child in node.children:
        _grow(branch, child, began)


def why(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="scope/model.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say why nothing is being done about a model, or what is."""
    from dataclasses import asdict

    from rich.markup import escape

    from homeostat.cli.connection import session
    from homeostat.cli.output import as_json, show
    from homeostat.cli.reasons import explain

    with session(ctx, data_dir) as opened:
        answer = explain(opened.logs, model)
    if is_json:
        as_json(asdict(answer))
        return
    show(f"[bold]{escape(model)}[/bold]: {escape(answer.because)}")
    for name, text in answer.facts.items():
        show(f"  [dim]{name:<12}[/dim] {escape(text)}")
