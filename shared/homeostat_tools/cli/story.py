"""`homeostat story|why`: what happened, and why nothing does."""

from typing import Annotated, Any

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Model, check_model


def story(
    ctx: typer.Context,
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID|SCOPE/MODEL",
            autocompletion=completion.models,
            help="Identity of any event in it, an action, or its ending; of a model its newest action, or drift.",
        ),
    ],
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Print what comes as it comes, until the action is settled, or Ctrl-C."),
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Print one story from its first event to its outcome, as a tree by cause; with --follow line by line.

    Examples: [bold]homeostat story 17.0[/bold], [bold]homeostat story shop/ranker --follow[/bold]
    """
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.correlation import find, story_of
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.output import as_json
    from homeostat_tools.cli.story_following import newest_story

    is_model = "/" in id_ and "#" not in id_
    with session(ctx, data_dir) as opened:
        if follow:
            _follow(opened, id_, is_model=is_model, is_json=is_json)
            return
        identity = newest_story(opened.logs, check_model(id_))[0] if is_model else find(opened.logs, id_)
        if not identity:
            raise not_found(f"no drift and no action of {id_} yet; `homeostat why {id_}` says why")
        told = story_of(opened.logs, identity, _notaries(opened))
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
    else:
        _print(told)


def _print(told: Any) -> None:
    from rich.tree import Tree

    from homeostat_tools.cli.output import hint, plain, show
    from homeostat_tools.cli.rendering import attributes
    from homeostat_tools.cli.times import span

    tree = Tree(f"[bold]{plain(told.identity)}[/bold]")
    for root in told.roots:
        branch = tree
        if cause := attributes(root.record).cause:
            branch = tree.add(f"[dim]led to by {plain(cause)}[/dim]")
        _grow(branch, root, told.began)
    show(tree)
    show(f"[bold]outcome[/bold] {plain(told.outcome)}")
    hint(f"{told.n_events} events in {span(told.ended - told.began)}")


def _follow(opened: Any, id_: str, *, is_model: bool, is_json: bool) -> None:
    """Print the events of a story as they come, then what came of it."""
    from homeostat_tools.cli.correlation import find, outcome_of
    from homeostat_tools.cli.output import as_json, hint, plain, show
    from homeostat_tools.cli.story_following import Ending, await_story, ends, follow
    from homeostat_tools.cli.times import span

    nodes, identity, ending = list[Any](), "", Ending(id_)
    try:
        if is_model:
            wait = f"no drift and no action of {id_} yet: waiting; `homeostat why {id_}` says why"
            identity, ending.action = await_story(opened.logs, check_model(id_), lambda: hint(wait))
        else:
            identity = find(opened.logs, id_)
        for node in follow(opened.logs, identity, ending, _notaries(opened), ends(opened.logs)):
            nodes.append(node)
            as_json(node.line()) if is_json else show(_line(node, nodes[0].record.timestamp))
    except KeyboardInterrupt:
        hint("broken off")
    if not nodes:
        return
    outcome, millis = outcome_of(nodes), nodes[-1].record.timestamp - nodes[0].record.timestamp
    if is_json:
        end = {"story": identity, "events": len(nodes), "milliseconds": millis, "outcome": outcome}
        as_json(end | {"is_over": ending.is_over})
        return
    show(f"[bold]outcome[/bold] {plain(outcome)}")
    hint(f"{len(nodes)} events in {span(millis)}" + ("" if ending.is_over else "; it is not over"))


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


def _line(node: Any, began: int) -> str:
    from homeostat_tools.cli.one_line import colour
    from homeostat_tools.cli.output import plain
    from homeostat_tools.cli.rendering import attributes, name_of
    from homeostat_tools.cli.times import span

    name = name_of(node.record)
    return (
        f"[dim]+{span(node.record.timestamp - began)}[/dim] [{colour(name)}]{plain(name)}[/] "
        f"{plain(attributes(node.record).subject)} {plain(node.text)}{_mark(node.authority)} "
        f"[dim]{plain(' '.join(node.logs))}[/dim]"
    )


def _grow(tree: Any, node: Any, began: int) -> None:
    while True:  # a chain of single children stays on one level of indentation
        branch = tree.add(_line(node, began))
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
