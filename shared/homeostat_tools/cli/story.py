"""`homeostat story|why`: what happened, and why nothing does."""

from typing import Annotated, Any

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Model


def story(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="Identity of any event in it, an action, or its ending.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Print one story from its first event to its outcome, as a tree by cause."""
    from rich.tree import Tree

    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.correlation import find, story_of
    from homeostat_tools.cli.output import as_json, hint, plain, show
    from homeostat_tools.cli.rendering import attributes
    from homeostat_tools.cli.times import span

    with session(ctx, data_dir) as opened:
        told = story_of(opened.logs, find(opened.logs, id_), _notaries(opened))
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
    tree = Tree(f"[bold]{plain(told.identity)}[/bold]")
    for root in told.roots:
        branch = tree
        if cause := attributes(root.record).cause:
            branch = tree.add(f"[dim]led to by {plain(cause)}[/dim]")
        _grow(branch, root, told.began)
    show(tree)
    show(f"[bold]outcome[/bold] {plain(told.outcome)}")
    hint(f"{told.n_events} events in {span(told.ended - told.began)}")


def _notaries(opened: Any) -> Any:
    """Keys that sign verdicts and commands; None where neither this machine nor the keyring has any."""
    from homeostat.audit.keys import KeyMissing
    from homeostat_tools.cli.notaries import keyring_of, known_notaries

    try:
        return known_notaries(opened, keyring_of(opened.logs)[0])
    except KeyMissing:
        return None


def _mark(authority: str) -> str:
    """What stands behind a verdict or command that is not the governor's."""
    said = {
        "unsigned": "without a valid signature",
        "unknown_key": "signed by a stranger",
        "revoked": "signed with a revoked key",
        "not the governor": "not from the governor",
    }.get(authority)
    return "" if said is None else f" [bold red]FORGED? {said}[/]"


def _grow(tree: Any, node: Any, began: int) -> None:
    from homeostat_tools.cli.one_line import colour
    from homeostat_tools.cli.output import plain
    from homeostat_tools.cli.rendering import attributes, name_of
    from homeostat_tools.cli.times import span

    while True:  # a chain of single children stays on one level of indentation
        name, found = name_of(node.record), attributes(node.record)
        branch = tree.add(
            f"[dim]+{span(node.record.timestamp - began)}[/dim] [{colour(name)}]{plain(name)}[/] "
            f"{plain(found.subject)} {plain(node.text)}{_mark(node.authority)} [dim]{plain(' '.join(node.logs))}[/dim]"
        )
        if len(node.children) != 1:
            break
        node = node.children[0]
        tree = branch
    for child in node.children:
        _grow(branch, child, began)


def why(
    ctx: typer.Context,
    model: Model,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say why nothing is being done about a model, or what is."""
    from dataclasses import asdict

    from homeostat_tools.cli.approvals import newest_of_model
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.notaries import keyring_of
    from homeostat_tools.cli.output import as_json, plain, show
    from homeostat_tools.cli.why import explain

    with session(ctx, data_dir) as opened:
        answer = explain(opened.logs, model)
        if said := newest_of_model(opened.logs, *keyring_of(opened.logs), model):
            answer.facts["people"] = said
    if is_json:
        as_json(asdict(answer))
        return
    show(f"[bold]{plain(model)}[/bold]: {plain(answer.because)}")
    if answer.todo:
        show(f"  [bold]{'do':<12}[/bold] {plain(answer.todo)}")
    for name, text in answer.facts.items():
        show(f"  [dim]{name:<12}[/dim] {plain(text)}")
