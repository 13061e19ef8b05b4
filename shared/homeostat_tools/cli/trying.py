"""`homeostat try`: a drift in a copy of a model, the whole way, before there is one in the model."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_model, finite

_COPY: Final = ".try"
_N_PROBED: Final = 200


def try_drift(
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Argument(metavar="SCOPE/MODEL", callback=check_model, autocompletion=completion.models, help="Of what."),
    ],
    kind: Annotated[
        str, typer.Argument(help="mean-shift, scale, class-prior, label-swap, feature-outage.", metavar="KIND")
    ],
    feature: Annotated[
        str, typer.Option(help="Feature that moves; unless told, the one that moves the answers most.")
    ] = "",
    size: Annotated[
        float, typer.Option(callback=finite, help="Deviations, factor, or share of the rows left out.")
    ] = 3.0,
    label: Annotated[float, typer.Option(callback=finite, help="Class.")] = 0.0,
    other: Annotated[float, typer.Option(callback=finite, help="Class it is exchanged with.")] = 1.0,
    onset: Annotated[int, typer.Option(min=200, max=100_000, help="Row from which it holds.")] = 1000,
    n_rows: Annotated[int, typer.Option("--rows", min=100, max=1_000_000, help="Rows after that, at most.")] = 5000,
    serve: Annotated[
        str,
        typer.Option(help="MODULE:LOAD, the function that Served is given; else the network of the embedded server."),
    ] = "",
    champion: Annotated[
        Path | None, typer.Option(help="File with what serves, as LOAD takes it, where no artifact of it is known.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is left to chance.")] = 0,
    learn: Annotated[
        bool, typer.Option("--learn", help="Publish the trainings as recorded episodes: the advisor learns from them.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Put a drift into a copy of a model and watch it go the whole way, to a promotion or none.

    The copy, SCOPE/MODEL.try, lives in a whole system in memory: our folds, the rules of your scope, your recipe, and a
    server of its own that loads what was trained. It is registered like the model and is sent the rows of the timeline
    that have both a captured input and a label, shifted from the onset on, labels at once. The model, its traffic, its
    budget and your logs are not touched, and the learner learns nothing from it but with --learn.

    What it cannot say: the learner of the copy knows nothing yet, so yours may choose another arm; an action that would
    wait for a person is approved at once; rows that come more than once flatter what was trained on them. A model whose
    monitored features are not its inputs drifts in the features alone: no training can mend that.

    Examples: [bold]homeostat try shop/ranker mean-shift --size 3 --serve serve:load[/bold]
    """
    import tempfile
    import time

    from homeostat.artifacts import FolderStore, open_store
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.extras import require
    from homeostat_tools.cli.output import hint
    from homeostat_tools.trial.recorded import recorded
    from homeostat_tools.trial.serving import CopyServer, CopyStore, load_of
    from homeostat_tools.trial.system import TrialSystem
    from homeostat_tools.trial.trial import Trial

    require("homeostat try", ("drift-detector", "meta-learner", "rollout-actuator", "retrain-actuator"))
    load, copy = load_of(serve), model + _COPY
    with session(ctx, data_dir) as opened, tempfile.TemporaryDirectory(prefix="homeostat-try-") as folder:
        known = recorded(opened.logs, model)
        store = CopyStore(FolderStore(Path(folder) / "artifacts"), open_store(opened.settings.store_url))
        artifact = _artifact(store, known, model, champion)
        predict = load(store.get(artifact))
        moved = feature or _most_moving(known, predict, kind)
        injector = _injector(
            kind, moved, known, {"size": size, "label": label, "other": other, "onset": onset, "seed": seed}
        )
        server = CopyServer(copy, store, load)
        system = TrialSystem(store, Path(folder) / "jobs", opened.settings.data_dir, server, int(time.time() * 1000))
        said = f"{kind} of {moved}" if moved and kind in _OF_A_FEATURE else kind
        hint(f"{copy}: {len(known.y)} recorded rows, {said} from row {onset} on; nothing is published")
        trial = Trial(copy, known, system, server, injector, onset=onset, show=_shower(is_json=is_json))
        try:
            for _ in trial.run(artifact, n_rows):
                pass
        except KeyboardInterrupt:
            hint("broken off; this is how far it came")
        if learn:
            _publish_episodes(opened, model, known, trial.result, kind)
    _conclude(trial.result, known, said, is_json=is_json)


_OF_A_FEATURE: Final = ("mean-shift", "scale", "feature-outage")


def _artifact(store: Any, known: Any, model: str, champion: Path | None) -> str:
    """Digest of what serves."""
    from homeostat_tools.cli.exit_codes import not_found

    if champion is not None:
        if not champion.is_file():
            raise not_found(f"no file {champion}")
        return str(store.put(champion.read_bytes()))
    if known.registration.artifact is None:
        serving = known.registration.champion
        raise not_found(f"no artifact of {serving}, which {model} serves, is known: name a file, --champion FILE")
    return str(known.registration.artifact)


def _most_moving(known: Any, predict: Any, kind: str) -> str:
    """The feature whose shift changes the most answers; the first where features are not inputs."""
    import numpy as np

    if kind not in _OF_A_FEATURE or not known.names:
        return ""
    if not known.is_input:
        return str(known.names[0])

    def answers(x: Any) -> Any:
        said = predict(x)
        return np.asarray(said[0] if isinstance(said, tuple) else said, np.float64)

    x = known.x[:_N_PROBED]
    now, moves = answers(x), []
    for column in range(x.shape[1]):
        shifted = x.copy()
        shifted[:, column] += 3.0 * (float(np.nanstd(x[:, column])) or 1.0)
        moves.append(float(np.mean(np.abs(answers(shifted) - now))))
    return str(known.names[int(np.argmax(moves))])


def _injector(kind: str, feature: str, known: Any, fields: dict[str, Any]) -> Any:
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.injecting import checked
    from homeostat_tools.drift_injection import Injection, Injector

    if feature and feature not in known.names:
        raise usage(f"no feature {feature!r}; there are: {', '.join(known.names)}")
    try:
        moved = feature if kind in _OF_A_FEATURE else ""
        return Injector(Injection(feature=moved, **checked({"kind": kind, "course": "abrupt"}), **fields))
    except ValueError as error:
        raise usage(str(error)) from None


def _shower(*, is_json: bool) -> Any:
    def show(record: Any, rows: int) -> None:
        from homeostat_tools.cli.correlation import node_of_record
        from homeostat_tools.cli.one_line import colour
        from homeostat_tools.cli.output import as_json, plain, show
        from homeostat_tools.cli.rendering import name_of

        node, name = node_of_record(record), name_of(record)
        if is_json:
            as_json({"rows_since_onset": rows} | node.line())
        elif name not in _QUIET:
            show(f"[dim]+{rows} rows[/dim] [{colour(name)}]{plain(name)}[/] {plain(node.text)}")

    return show


_QUIET: Final = ("profile.updated", "model.registered", "evidence.updated", "threshold.graded")


def _publish_episodes(opened: Any, model: str, known: Any, result: Any, kind: str) -> None:
    """Say to the advisor what was trained, and what it was worth."""
    from homeostat.client.event_builder import EventBuilder
    from homeostat.core.identity import scope_of
    from homeostat.events import EpisodeRecorded
    from homeostat.events.logs import TRACES
    from homeostat_tools.cli.connection import SOURCE
    from homeostat_tools.cli.output import hint

    arms, worth = {arm.name: arm for arm in known.family.arms}, {one.arm: one.payoff for one in result.evaluated}
    builder, n = EventBuilder(SOURCE), 0
    for one in result.trained:
        if one.version is None or one.arm not in worth or one.arm not in arms:
            continue
        episode = EpisodeRecorded(
            episode=builder.new_id(),
            task=f"try-{kind}",
            configuration=one.arm,
            rows=one.rows,
            hyperparameters=arms[one.arm].hyperparameters,
            metric="payoff",
            result=worth[one.arm],
            seconds=one.seconds,
        )
        subject = f"{scope_of(model)}/{known.registration.family}"
        opened.logs.send(builder.build(TRACES, subject, episode, opened.logs.n_partitions(TRACES)))
        n += 1
    opened.logs.flush()
    hint(f"{n} episodes recorded for the advisor")


def _conclude(result: Any, known: Any, said: str, *, is_json: bool) -> None:
    from dataclasses import asdict

    from homeostat_tools.cli.output import as_json, hint, show, table

    if is_json:
        names = ("state", "champion", "errors", "rows", "repeated", "steps")
        found = asdict(result)
        as_json({name: found[name] for name in names} | {"recorded": len(known.y), "is_input": known.is_input})
        return
    table(("step", "rows since the onset", "seconds"), [(s.name, s.rows, round(s.seconds, 2)) for s in result.steps])
    errors = ", ".join(f"{value:.1%} {name}" for name, value in result.errors.items() if value is not None)
    what = "error" if known.registration.kind == "classifier" else "distance"
    show(f"[bold]{result.state}[/bold] after a {said}; {result.champion} serves; {what}: {errors}")
    if not known.is_input:
        hint("its monitored features are not its inputs: the drift moved no answer, and no training could mend it")
    if result.repeated > 1.0:
        hint(f"{len(known.y)} recorded rows came {result.repeated:.1f} times: capture more for a result to rely on")
