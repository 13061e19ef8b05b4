"""Write the dashboards: `python deploy/grafana/build.py`. A test holds the files against this and the metrics.

Two questions, one dashboard each: is it well, and does anybody have to act (on-call); why is it slow or stuck (debug).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeostat.telemetry import metrics

FOLDER: Final = Path(__file__).parent / "dashboards"
_SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS: Final = 24
"""Width of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel.

    Args:
        title: What it shows.
        description: What to look for.
        expr: PromQL.
        legend: Of one series, with `{{label}}`.
        unit: Grafana's name of the unit.
        kind: Grafana's type of panel.
        width: Of 24 columns.
        red_from: Value from which it turns red; None for never.
    """

    title: str
    description: str
    expr: str
    legend: str
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    red_from: float | None = None


def _rate(metric: metrics.Metric, by: str) -> str:
    return f"sum by ({by}) (rate({metric.name}[$__rate_interval]))"


_REFUSED: Final = f"sum(rate({metrics.RECORDS_REFUSED.name}[5m]))"
_FOLDED: Final = f"sum(rate({metrics.RECORDS_FOLDED.name}[5m]))"
_DECIDED: Final = 'type=~"drift.detected|action.proposed|verdict.given|action.settled"'
_WELL: Final = 'up{job=~"homeostat|model-server|http-door"}'

ON_CALL: Final = (
    Panel(
        "Alerts",
        "Each has a runbook under docs/runbooks.",
        'ALERTS{alertstate="firing"}',
        "{{alertname}}",
        kind="table",
        width=24,
    ),
    Panel("Services down", "", f"count({_WELL} == 0) or vector(0)", "down", kind="stat", width=6, red_from=1),
    Panel(
        "Scopes frozen",
        "",
        f"count(max by (scope) ({metrics.BRAKE.name}) == 1) or vector(0)",
        "frozen",
        kind="stat",
        width=6,
        red_from=1,
    ),
    Panel(
        "Refused input",
        "Share of all records.",
        f"({_REFUSED} / ({_REFUSED} + {_FOLDED})) or vector(0)",
        "refused",
        "percentunit",
        "stat",
        6,
        0.01,
    ),
    Panel("Commands under way", "", f"sum({metrics.TASKS_IN_FLIGHT.name})", "commands", kind="stat", width=6),
    Panel(
        "Detected and decided",
        "Of the last hour.",
        f"sum by (type) (increase({metrics.OUTPUTS.name}{{{_DECIDED}}}[1h]))",
        "{{type}}",
        width=24,
    ),
    Panel("Records folded", "Does it work?", _rate(metrics.RECORDS_FOLDED, "fold"), "{{fold}}", "ops"),
    Panel(
        "Lag",
        "How late is it?",
        f"sum by (consumer, log) ({metrics.LAG_RECORDS.name})",
        "{{consumer}} {{log}}",
        red_from=10_000,
    ),
    Panel(
        "Lag in time",
        "Age of the record that was folded last.",
        f"max by (consumer, log) ({metrics.LAG_SECONDS.name})",
        "{{consumer}} {{log}}",
        "s",
    ),
    Panel(
        "Records refused",
        "`homeostat quarantine list` says more.",
        _rate(metrics.RECORDS_REFUSED, "fold, reason"),
        "{{fold}} {{reason}}",
        "ops",
    ),
    Panel(
        "Input lost",
        "Refused and not kept, or gone before it was read: nothing of it can be replayed.",
        f"sum by (fold) (increase({metrics.RECORDS_LEFT_OUT.name}[5m]))"
        f" + on (fold) (sum by (fold) (increase({metrics.DOOR_RECORDS_LOST.name}[5m]))"
        f" or sum by (fold) ({metrics.RECORDS_LEFT_OUT.name} * 0))",
        "{{fold}}",
        red_from=1,
    ),
    Panel(
        "Topics that are not as they must be",
        "`homeostat doctor` names them.",
        f"max by (check) ({metrics.KAFKA_FINDINGS.name})",
        "{{check}}",
        red_from=1,
    ),
    Panel(
        "Commands closed",
        "Done, or not begun: expired, braked, stale.",
        f"sum by (hand, outcome) (increase({metrics.COMMANDS_DONE.name}[5m]))",
        "{{hand}} {{outcome}}",
    ),
    Panel(
        "Commands that are not the governor's",
        "Without the notary's signature, or unreadable; `homeostat quarantine list` says more.",
        f"sum by (hand, reason) (increase({metrics.COMMANDS_QUARANTINED.name}[5m]))",
        "{{hand}} {{reason}}",
        red_from=1,
    ),
    Panel(
        "Blind detectors",
        "Models whose inputs are not watched; `homeostat why SCOPE/MODEL` says more.",
        f"sum by (scope, cause) (max by (scope, model, cause) ({metrics.DETECTOR_BLIND.name}))",
        "{{scope}} {{cause}}",
        red_from=1,
    ),
    Panel(
        "Signals and thresholds",
        "A signal over its threshold for a minute is an alert.",
        f"({metrics.ALERT_SIGNAL.name} / on (scope, model, signal, layer, attributes) {metrics.ALERT_THRESHOLD.name})",
        "{{scope}}/{{model}} {{signal}} {{layer}} {{attributes}}",
        "percentunit",
        red_from=1,
    ),
)

DEBUG: Final = (
    Panel("What runs", "", metrics.BUILD.name, "{{service}} {{version}}", kind="table", width=24),
    Panel(
        "Outputs",
        "Against records folded: what a fold says.",
        _rate(metrics.OUTPUTS, "fold, type"),
        "{{fold}} {{type}}",
        "ops",
    ),
    Panel("Reports", "What the hands say.", _rate(metrics.REPORTS, "hand, type"), "{{hand}} {{type}}", "ops"),
    Panel("Ticks", "Appended for subjects that were idle.", _rate(metrics.TICKS, "fold"), "{{fold}}", "ops"),
    Panel(
        "Duplicates dropped",
        "After a crash for a moment; else a producer repeats.",
        _rate(metrics.RECORDS_DROPPED, "fold"),
        "{{fold}}",
        "ops",
    ),
    Panel(
        "Events of the doors",
        "Duplicates by id, labels without a prediction, redactions.",
        _rate(metrics.DOOR_EVENTS, "fold, outcome"),
        "{{fold}} {{outcome}}",
        "ops",
    ),
    Panel(
        "Records passed on",
        "Their producer hashes keys otherwise: it costs a hop.",
        _rate(metrics.DOOR_RECORDS_FORWARDED, "fold"),
        "{{fold}}",
        "ops",
    ),
    Panel("Subjects in memory", "", f"sum by (fold) ({metrics.SUBJECTS.name})", "{{fold}}"),
    Panel("Snapshot bytes", "", _rate(metrics.SNAPSHOT_BYTES, "fold"), "{{fold}}", "Bps"),
    Panel(
        "Time in snapshots",
        "Share of the time in which a host writes and does not fold.",
        _rate(metrics.SNAPSHOT_SECONDS, "consumer"),
        "{{consumer}}",
        "percentunit",
    ),
    Panel(
        "Time of one restore",
        "From an assignment to its first step.",
        f"sum by (consumer) (increase({metrics.RESTORE_SECONDS.name}[5m]))"
        f" / sum by (consumer) (increase({metrics.REBALANCES.name}[5m]))",
        "{{consumer}}",
        "s",
    ),
    Panel("Partitions", "By process: are they shared?", metrics.PARTITIONS.name, "{{container}} {{consumer}} {{log}}"),
    Panel("Rebalances", "", f"sum by (consumer) (increase({metrics.REBALANCES.name}[5m]))", "{{consumer}}"),
    Panel(
        "Lag by process",
        "One behind, the others not: a hot partition.",
        metrics.LAG_RECORDS.name,
        "{{container}} {{consumer}} {{log}}",
    ),
    Panel("Commands under way", "", metrics.TASKS_IN_FLIGHT.name, "{{hand}}"),
    Panel("Models in the feature store", "Nothing while Redis is away.", metrics.META_FEATURES_MODELS.name, "models"),
    Panel(
        "Age of the stalest meta-features",
        "Grows while a model does not drift; a profile older than a day is no longer fresh.",
        metrics.META_FEATURES_AGE_SECONDS.name,
        "{{container}}",
        "s",
    ),
    Panel("Memory", "", 'process_resident_memory_bytes{job="homeostat"}', "{{container}}", "bytes"),
    Panel("Processor", "Cores.", 'rate(process_cpu_seconds_total{job="homeostat"}[$__rate_interval])', "{{container}}"),
)


def dashboards() -> dict[str, dict[str, Any]]:
    """Grafana's model of each dashboard, by uid."""
    return {
        "on-call": _dashboard("on-call", "Homeostat: on call", ON_CALL),
        "debug": _dashboard("debug", "Homeostat: debug", DEBUG),
    }


def render(dashboard: dict[str, Any]) -> str:
    """Text of a dashboard's file."""
    return json.dumps(dashboard, indent=1) + "\n"


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    placed, x, y, height = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        own = 4 if panel.kind == "stat" else 8
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": own}))
        x, height = x + panel.width, max(height, own)
    return {
        "uid": f"homeostat-{uid}",
        "title": title,
        "tags": ["homeostat"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": placed,
    }


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    is_table, is_now = panel.kind == "table", panel.kind in ("table", "stat")
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    return {
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "type": panel.kind,
        "gridPos": place,
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": "A",
                "datasource": _SOURCE,
                "expr": panel.expr,
                "legendFormat": panel.legend,
                "instant": is_now,
                "range": not is_now,
                "format": "table" if is_table else "time_series",
            }
        ],
    }


def main() -> None:
    """Write every dashboard."""
    FOLDER.mkdir(exist_ok=True)
    for uid, dashboard in dashboards().items():
        (FOLDER / f"{uid}.json").write_text(render(dashboard), "utf-8")


if __name__ == "__main__":
    main()
