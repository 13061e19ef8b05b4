"""`homeostat check`: whether everything is there that a model needs to be adapted."""

from typing import Annotated, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Model

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def check(
    ctx: typer.Context,
    model: Model,
    with_recipe: Annotated[bool, typer.Option("--recipe/--no-recipe", help="Run the recipe on the last rows.")] = True,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Look whether all is there that a model needs to be adapted, and say what mends what is not. Exits 0 if it is.

    Registered, family with arms, rows, inputs, labels, recipe (which is run on the last rows), artifact, server, rules,
    freezes, services. Nothing is changed by looking.
    """
    from homeostat_tools.cli import model_checks
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import as_json, plain, show

    is_well = True
    with session(ctx, data_dir) as opened:
        looked_at = model_checks.Model(model, opened.settings, opened.logs)
        for found in model_checks.examine(looked_at, with_recipe=with_recipe):
            is_well = is_well and found.verdict == "ok"
            if is_json:
                fields = {"check": found.name, "ok": found.verdict == "ok", "detail": found.detail, "mend": found.mend}
                as_json(fields)
                continue
            word = found.verdict.upper() if found.verdict == "fail" else found.verdict
            show(f"[{_COLOURS[found.verdict]}]{word:<4}[/] {plain(found.name)}: {plain(found.detail)}")
            if found.mend:
                show(f"     [dim]mend:[/dim] {plain(found.mend)}")
    if not is_well:
        raise typer.Exit(1)
