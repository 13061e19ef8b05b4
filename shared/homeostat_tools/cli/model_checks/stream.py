"""Do its rows, inputs and labels come?"""

from collections.abc import Iterator
from typing import Final

from homeostat_tools.cli.checks import Check, fail, ok
from homeostat_tools.cli.label_lag import label_lag
from homeostat_tools.cli.label_troubles import strangers, unjoined
from homeostat_tools.cli.model_checks.looking import Model
from homeostat_tools.cli.times import clock
from homeostat_tools.cli.troubles import all_refused

_FEW: Final = 200
"""Rows below which nothing is said of labels that have not come."""

_DAY_MS: Final = 86_400_000


def rows(model: Model) -> Iterator[Check]:
    """Rows come, and are taken."""
    if model.known.registered is None:
        return
    refused = all_refused(model.known, model.name)
    if refused is not None:
        yield fail("rows", *refused)
    elif not model.rows.n:
        beside = sorted(strangers(model.logs, model.scope, "model_unregistered"))
        detail = "none has come" + (
            f"; some came under {', '.join(beside)}, which nobody has registered" if beside else ""
        )
        yield fail("rows", detail, f"start its server, or publish samples.observed under {model.name}")
    elif model.logs.now() - model.rows.last_ms > _DAY_MS:
        yield fail("rows", f"the last came at {clock(model.rows.last_ms)}, days ago", "start its server")
    else:
        yield ok("rows", f"{model.rows.n} lately, the last at {clock(model.rows.last_ms)}")


def inputs(model: Model) -> Iterator[Check]:
    """Inputs are kept to train on."""
    data, found = model.known.registered, model.rows
    if data is None or not found.n:
        return
    if found.n_captured:
        share = found.n_captured / found.n
        yield ok("inputs", f"{share:.0%} of the rows have theirs kept, {data.input_width} numbers each")
        return
    detail = f"none of {found.n} rows has its input kept, so there is nothing to train on"
    if data.input_width:
        yield fail("inputs", detail, "publish `inputs` with the rows; of `Served`: `features` and a `capture` above 0")
    else:
        yield fail("inputs", detail, "register it again with `input_width`, and publish `inputs` with the rows")


def labels(model: Model) -> Iterator[Check]:
    """Labels come, and find their rows."""
    data, found = model.known.registered, model.rows
    if data is None or not found.n:
        return
    trouble = unjoined(model.logs, model.known, model.name)
    if trouble is not None:
        yield fail("labels", *trouble)
    elif found.n_labelled:
        yield ok(
            "labels", f"{min(1.0, found.n_labelled / found.n):.0%} of the rows; {label_lag(model.indicators, data)}"
        )
    elif found.n >= _FEW:
        detail = f"none of {found.n} rows has one: inputs are watched, errors are not, and nothing is learned"
        yield fail("labels", detail, "say what was right: `served.label(requests, labels)`, or labels.observed")
    else:
        yield ok("labels", f"none yet of {found.n} rows")


def hands(model: Model) -> Iterator[Check]:
    """Those who act are there, and keep up."""
    from homeostat_tools.cli.checks import Context
    from homeostat_tools.cli.checks.processes import processes
    from homeostat_tools.cli.why import lag_of

    lag = lag_of(model.logs.committed(), model.logs)
    context = Context(model.settings.data_dir, model.settings, model.logs, is_local=True)
    ended = [check for check in processes(context) if check.verdict == "fail"]
    yield from ended
    if not lag:
        yield fail("services", "none has read anything yet", "homeostat up, and homeostat status")
        return
    lacking = sorted({"governor", "retrain-actuator", "rollout-actuator"} - set(lag))
    behind = [f"{name} {n}" for name, n in lag.items() if n > _FEW]
    if lacking:
        yield fail("services", f"{', '.join(lacking)} has never read anything", "homeostat up, and homeostat status")
    elif behind:
        yield fail(
            "services", f"behind by so many records: {', '.join(behind)}", "homeostat status; wait, or start them"
        )
    elif not ended:
        yield ok("services", f"{len(lag)}, none is behind")
