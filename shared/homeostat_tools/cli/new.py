"""`homeostat new model`: a folder in which a model of one's own is adapted, and runs as it is."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat_tools.cli.options import Model

app = typer.Typer(no_args_is_help=True, help="Write what connects something of your own.")


@app.callback()
def new() -> None:
    """Write what connects something of your own."""


@app.command()
def model(
    name: Model,
    like: Annotated[
        Literal["sklearn", "torch", "xgboost", "http"],
        typer.Option(help="What the model is made with; http: it runs elsewhere, behind a URL."),
    ] = "sklearn",
    kind: Annotated[Literal["classifier", "regressor"], typer.Option(help="What it predicts.")] = "classifier",
    features: Annotated[str, typer.Option(metavar="A,B,C", help="Names of its inputs, in order.")] = "x1,x2,x3,x4",
    into: Annotated[Path | None, typer.Option(help="Folder to write; the model's name without it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write recipe.py, serve.py, homeostat.toml and a README for a model; with toy data they run as they are."""
    from homeostat_tools.cli.model_folder import Wanted, feature_names, write
    from homeostat_tools.cli.output import hint, say

    short = name.partition("/")[2]
    folder = into or Path(short)
    for path in write(Wanted(name, like, kind, feature_names(features)), folder, force=force):
        say(str(path))
    hint(f"next, with `homeostat up --without model-server` running: homeostat apply {folder / 'homeostat.toml'}")
