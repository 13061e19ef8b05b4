"""The payloads of other tools, and what reads them."""

from pathlib import Path
from typing import Any, Final

from homeostat.adapters import AdaptedEvent, Target, adapter
from homeostat.events import SignalObserved

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "adapters"
FILES: Final = {
    "prometheus": ("prometheus.json",),
    "prometheus-remote-write": ("remote_write.json",),
    "otlp-metrics": ("otlp_metrics.json",),
    "alertmanager": ("alertmanager.json",),
    "kubernetes-events": ("kubernetes_events.json",),
    "argo-rollouts": ("argo_rollouts.json",),
    "github": ("github_workflow_run.json",),
    "gitlab": ("gitlab_pipeline.json",),
    "aws-lambda": ("aws_lambda.txt", "aws_lambda_cloudwatch.json"),
    "kserve": ("kserve.jsonl",),
    "seldon": ("seldon.jsonl", "seldon_stored.json"),
    "mlflow-runs": ("mlflow_runs.json",),
    "mlflow-webhook": ("mlflow_webhook.json",),
    "labels": ("labels.csv",),
}
BEGIN: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def read(name: str, payload: bytes | str = b"", **target: Any) -> list[AdaptedEvent]:
    """Events of a payload, or of an adapter's first fixture."""
    body = payload.encode() if isinstance(payload, str) else payload
    body = body or (FOLDER / FILES[name][0]).read_bytes()
    given: dict[str, Any] = {"subject": "shop/ranker", "received": BEGIN} | target
    return [*adapter(name).load()(body, Target(**given))]


def signals(events: list[AdaptedEvent]) -> list[Any]:
    """Time after `BEGIN`, layer, name, value and unit of each event."""
    found = []
    for event in events:
        assert isinstance(event.data, SignalObserved)
        found.append((event.time - BEGIN, event.data.layer, event.data.name, event.data.value, event.data.unit))
    return found


def attributes(event: AdaptedEvent) -> dict[str, Any]:
    """Of a signal."""
    assert isinstance(event.data, SignalObserved)
    return event.data.attributes
