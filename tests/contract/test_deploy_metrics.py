"""Rules and dashboards read metrics that there are, and every alert says what to do."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml

from homeostat.telemetry import metrics
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.services import packs

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
ALERTS: Final[list[dict[str, Any]]] = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text("utf-8"))["groups"][0][
    "rules"
]
FOREIGN: Final = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "ALERTS"}
"""Series of Prometheus and of its client library."""


def check_command(line: list[str]) -> None:
    """Parse a `homeostat …` command line as the command itself does, and stop there; raises if it would not run."""
    command: Any = typer.main.get_command(app)
    rest = line[1:]
    while rest and hasattr(command, "get_command"):
        context = command.make_context("homeostat", [], resilient_parsing=True)
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command {rest[0]!r} in {line}"
        command, rest = found, rest[1:]
    command.make_context(line[0], list(rest))


def dashboards() -> dict[str, dict[str, Any]]:
    """As built."""
    built: dict[str, dict[str, Any]] = runpy.run_path(str(DEPLOY / "grafana" / "build.py"))["dashboards"]()
    return built


def expressions() -> dict[str, list[str]]:
    """PromQL by file."""
    panels = {
        uid: [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        for uid, dashboard in dashboards().items()
    }
    return {"rules": [rule["expr"] for rule in ALERTS], **panels}


def names(expression: str) -> set[str]:
    """Metrics that an expression reads: what is left without strings, label lists and functions."""
    bare = re.sub(r"\b(by|on|group_left|ignoring)\s*\([^)]*\)", "", re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", expression))
    return set(re.findall(r"\b([A-Za-z_]\w+)\b(?!\s*\()", bare)) - {"or", "and", "unless", "offset"}


@cache
def shown() -> set[str]:
    """Metrics of the catalogue that some module outside of it makes."""
    paths = [path for root in ("shared", "services") for path in (ROOT / root).rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in paths if path != Path(metrics.__file__))
    entries = {name: entry for name, entry in vars(metrics).items() if isinstance(entry, metrics.Metric)}
    return {
        entry.name
        for name, entry in entries.items()
        if re.search(rf"\bmetrics\.{name}\b", text) or f'"{entry.name}"' in text
    }


@pytest.mark.parametrize("file", expressions())
def test_every_metric_that_is_read_is_in_the_catalogue_and_shown(file: str) -> None:
    """A panel or a rule on a metric that nobody shows is blind, and looks like peace."""
    used = {name for expression in expressions()[file] for name in names(expression)} - FOREIGN

    assert used <= {entry.name for entry in metrics.CATALOGUE}
    assert used <= shown()


def test_the_catalogue_holds_nothing_that_nobody_shows() -> None:
    """What is listed can be asked for."""
    assert shown() == {entry.name for entry in metrics.CATALOGUE}


def test_the_committed_dashboards_are_freshly_built() -> None:
    """To renew: `python deploy/grafana/build.py`."""
    committed = {path.stem: json.loads(path.read_text("utf-8")) for path in (DEPLOY / "grafana/dashboards").iterdir()}

    assert committed == dashboards()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_says_how_bad_what_and_what_to_do(alert: dict[str, Any]) -> None:
    """Its runbook is there, under its name, and tells commands that exist."""
    runbook = ROOT / alert["annotations"]["runbook_url"]

    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert runbook.stem == re.sub(r"(?<!^)(?=[A-Z])", "-", alert["alert"]).lower()
    for line in re.findall(r"`(homeostat [^`]+)`", runbook.read_text("utf-8")):
        check_command(shlex.split(line))


def test_everything_that_has_metrics_is_scraped() -> None:
    """By the name and port that compose gives it."""
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    }
    targets = {name: job["static_configs"][0]["targets"] for name, job in jobs.items()}

    assert sorted(targets["homeostat"]) == sorted(f"{pack.name}:9100" for pack in packs(is_packed=False))
    assert targets["model-server"] == ["model-server:8100"]
    assert targets["http-door"] == ["http-door:8090"]
    assert targets["otel-collector"] == ["otel-collector:8888"]


@pytest.mark.parametrize("arguments", [["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]])
def test_promtool_accepts(arguments: list[str], tmp_path: Path) -> None:
    """Configuration and rules are valid, each alert fires where it should; the panels' expressions parse."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: it comes with Prometheus")
    panels = [expr.replace("$__rate_interval", "1m") for file in expressions().values() for expr in file]
    recorded = [{"record": f"panel_{number}", "expr": expr} for number, expr in enumerate(panels)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), "utf-8")

    for command in (arguments, ["check", "rules", str(tmp_path / "panels.yml")]):
        done = subprocess.run(
            [promtool, *command], check=False, capture_output=True, text=True, cwd=DEPLOY / "prometheus"
        )
        assert done.returncode == 0, done.stdout + done.stderr
