"""`homeostat dataset`: what there is to learn from."""

from typing import TYPE_CHECKING, Annotated

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Family, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeostat.client.logs import Logs
    from homeostat.core import Event
    from homeostat_tools.cli.dataset_reports import Report

app = typer.Typer(no_args_is_help=True, help="Look at the episodes that the learner learns from.")
_N_SHOWN = 20
"""Meta-features of a table; `--json` has all."""


@app.command()
def report(
    ctx: typer.Context,
    family: Family = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say how many episodes there are, how complete and how one-sided, and how choices compare with the baseline."""
    from dataclasses import asdict

    from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.metadataset import reports
    from homeostat_tools.cli.output import as_json

    with session(ctx, data_dir) as opened:
        found = reports(
            _events(opened.logs, EXPERIENCE), _events(opened.logs, INDICATORS), _events(opened.logs, GOVERNANCE)
        )
    if family:
        found = [one for one in found if one.family == family]
        if not found:
            raise not_found(f"no episode of {family} was recorded: training jobs publish episode.recorded")
    for one in found:
        if is_json:
            as_json(asdict(one))
        else:
            _print(one)


@app.command()
def episodes(
    ctx: typer.Context,
    family: Family = "",
    is_all: Annotated[bool, typer.Option("--all", help="Those of distrusted sources too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """List whole episodes: runs of jobs, and arms of actions with their settings, curve, cost and outcome so far.

    What rests on a distrusted source is left out, as the learner leaves it out.
    """
    from dataclasses import asdict

    from homeostat.events.logs import EXPERIENCE, GOVERNANCE
    from homeostat_tools.cli import episodes as assembling
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.metadataset import believed
    from homeostat_tools.cli.output import as_json, table

    with session(ctx, data_dir) as opened:
        experience = _events(opened.logs, EXPERIENCE)
        found = [
            one
            for one in assembling.episodes(
                experience if is_all else believed(experience), _events(opened.logs, GOVERNANCE)
            )
            if family in ("", one.family)
        ]
    if is_json:
        for one in found:
            as_json(asdict(one) | {"window": one.window.model_dump() if one.window is not None else None})
        return
    rows = [
        (
            one.family,
            one.model or "",
            one.configuration or "",
            one.metric,
            f"{one.result:+.4g}",
            f"{one.seconds:.3g}",
            f"{one.cost:.3g}",
            "" if one.outcome is None else f"{one.outcome.state}, {one.outcome.verdict}",
        )
        for one in found
    ]
    table(("family", "model", "run", "metric", "result", "seconds", "cost", "outcome"), rows)


def _events(logs: "Logs", topic: str) -> "Iterator[Event]":
    """Yield the events of a log that can be read; the quarantine has the others."""
    from homeostat.core import Reject
    from homeostat_tools.cli.rendering import event_of

    if topic not in logs.topics():
        return
    for record in logs.read([topic]):
        try:
            yield event_of(record)
        except Reject:
            continue


def _print(one: "Report") -> None:
    from homeostat_tools.cli.output import plain, show, table

    show(f"[bold]{plain(one.family)}[/bold]  version {one.digest[:16]}")
    kinds = f"{one.n_jobs} of jobs, {one.n_own} arms of actions"
    facts = [
        ("episodes", f"{one.n_episodes} ({one.n_held_out} held out): {kinds}"),
        ("tasks", f"{one.n_tasks} ({one.n_held_out_tasks} held out)"),
        ("configurations, arms", f"{one.n_configurations} run, {one.n_arms} arms to choose from"),
        ("outcomes, incidents", f"{one.n_outcomes}, {one.n_incidents}"),
    ]
    for name, shares in (("sources", one.sources), ("models", one.models), ("episodes by task", one.tasks)):
        if shares.n:
            most = f"most {shares.most} with {shares.most_ratio:.0%}"
            facts.append((name, f"{shares.n}, as diverse as {shares.effective:.1f} even ones; {most}"))
    if one.distrusted:
        facts.append(("distrusted", f"{', '.join(one.distrusted)}: {one.n_excluded} of theirs are left out"))
    if one.comparison is not None:
        beside = one.comparison
        difference = f"{beside.chosen - beside.beside:+.4f} ± {1.96 * beside.standard_error:.4f}"
        facts.append((f"against {beside.baseline}", f"{difference} per row over {beside.n_actions} actions"))
    if one.label_lag_seconds is not None:
        facts.append(("label lag", f"{one.label_lag_seconds:.3g} s"))
    facts.append(("complete", ", ".join(f"{name} {share:.0%}" for name, share in one.complete.items())))
    for name, text in facts:
        show(f"  [dim]{plain(name):<20}[/dim] {plain(text)}")
    for problem in one.problems:
        show(f"  [yellow]! {plain(problem)}[/yellow]")
    covered = [(name, c.low, c.high, f"{c.missing_ratio:.0%}") for name, c in one.meta_features.items()]
    if covered:
        table(("meta-feature", "low", "high", "missing"), covered[:_N_SHOWN])
