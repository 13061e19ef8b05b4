"""`homeostat features`: the online feature store, and how to make it anew."""

from typing import TYPE_CHECKING

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, Model

if TYPE_CHECKING:
    from pathlib import Path

    from homeostat.feature_store import FeatureStore

app = typer.Typer(no_args_is_help=True, help="Look into the feature store, or fill it anew from the log.")


@app.command()
def show(
    model: Model,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show the newest meta-features of a model, how old they are and whether they are fresh."""
    from dataclasses import asdict

    from homeostat.events.meta_features import SCHEMA
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.output import as_json, plain, say, show, table

    latest = _store(data_dir).latest(model)
    if latest is None:
        raise not_found(f"the feature store has nothing of {model}: it has not drifted yet, or nobody fills the store")
    if is_json:
        fields = asdict(latest)
        del fields["content"]
        as_json(fields)
        return
    state = "fresh" if latest.is_fresh else "stale"
    since = f"{latest.labels_since_onset} labels since the onset"
    show(f"[bold]{plain(latest.model)}[/bold]  version {plain(latest.version)}, {since}")
    say(f"  {state}: {latest.age_seconds:.0f} s old; schema {latest.schema_version or 'unknown'}")
    show(f"  [dim]{plain(latest.event)}[/dim]")
    meanings = {feature.name: feature.meaning for feature in SCHEMA.features}
    values = latest.meta_features
    names = sorted(values, key=lambda name: [*SCHEMA.names, name].index(name))
    table(("meta-feature", "value", "meaning"), [(name, values[name], meanings.get(name)) for name in names])


@app.command()
def rebuild(ctx: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Empty the store, and read the whole log into it; who fills it meanwhile does the same."""
    from homeostat.events.logs import EXPERIENCE
    from homeostat.feature_store import profile_of
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import show

    store = _store(data_dir)
    n_profiles = 0
    with session(ctx, data_dir) as opened:
        opened.logs.n_partitions(EXPERIENCE)  # a log that cannot be read empties nothing
        store.wipe()
        for record in opened.logs.read([EXPERIENCE]):
            profile = profile_of(record)
            if profile is not None:
                store.put(profile)
                n_profiles += 1
    show(f"{store.summary().n_models} models, from {n_profiles} profiles")


def _store(data_dir: "Path") -> "FeatureStore":
    from homeostat.feature_store import FeatureStore
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.exit_codes import usage

    url = settings_of(data_dir).redis_url.get_secret_value()
    if not url:
        raise usage("there is no feature store: set HOMEOSTAT_REDIS_URL to redis://host:port/database")
    return FeatureStore(url)
