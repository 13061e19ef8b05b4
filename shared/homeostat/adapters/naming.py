"""Which layer a metric of somebody else's belongs to, its unit, and its labels as the attributes of a series."""

import re
from collections.abc import Mapping
from typing import Any, Final

from homeostat.events.base import Layer

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.\-]+")
_LENGTH: Final = 128

_LAYERS: Final[tuple[tuple[str, Layer], ...]] = (
    ("edge_", "edge"),
    ("device_", "edge"),
    ("mqtt_", "edge"),
    ("network_", "network"),
    ("node_network_", "network"),
    ("istio_", "network"),
    ("envoy_", "network"),
    ("nginx_", "network"),
    ("probe_", "network"),
    ("coredns_", "network"),
    ("dns_", "network"),
    ("http_", "service"),
    ("rpc_", "service"),
    ("grpc_", "service"),
    ("kserve_", "service"),
    ("seldon_", "service"),
    ("kube_", "kubernetes"),
    ("kubelet_", "kubernetes"),
    ("k8s_", "kubernetes"),
    ("container_", "kubernetes"),
    ("apiserver_", "kubernetes"),
    ("node_", "iaas"),
    ("system_", "iaas"),
    ("windows_", "iaas"),
    ("hw_", "iaas"),
    ("DCGM_", "iaas"),
    ("aws_lambda_", "serverless"),
    ("faas_", "serverless"),
    ("knative_", "serverless"),
    ("db_", "data"),
    ("messaging_", "data"),
    ("kafka_", "data"),
    ("pg_", "data"),
    ("postgres", "data"),
    ("mysql_", "data"),
    ("redis_", "data"),
    ("mongodb_", "data"),
    ("cassandra_", "data"),
    ("elasticsearch_", "data"),
    ("cicd_", "ci_cd"),
    ("argocd_", "ci_cd"),
    ("jenkins_", "ci_cd"),
    ("github_", "ci_cd"),
    ("gitlab_ci_", "ci_cd"),
    ("tekton_", "ci_cd"),
    ("prometheus_", "observability"),
    ("alertmanager_", "observability"),
    ("otelcol_", "observability"),
    ("scrape_", "observability"),
    ("loki_", "observability"),
    ("up", "observability"),
)
"""By how the name begins, in Prometheus' spelling (OpenTelemetry's with `_` for `.`); the first that fits counts."""

_UNITS: Final = {
    "seconds": "s",
    "milliseconds": "ms",
    "bytes": "By",
    "ratio": "1",
    "percent": "%",
    "celsius": "Cel",
    "volts": "V",
    "amperes": "A",
    "joules": "J",
    "watts": "W",
    "grams": "g",
    "meters": "m",
    "hertz": "Hz",
}
"""UCUM by the suffix that Prometheus asks for (https://prometheus.io/docs/practices/naming)."""


def layer_of(metric: str) -> Layer:
    """Return the layer that a metric is of by its name; `application` for one that says nothing."""
    name = metric.replace(".", "_")
    for beginning, layer in _LAYERS:
        if name == beginning or (name.startswith(beginning) and beginning != "up"):
            return layer
    return "application"


def unit_of(metric: str) -> str:
    """Return the unit that a metric's name says, in UCUM; empty if none."""
    parts = metric.removesuffix("_total").removesuffix("_sum").rsplit("_", 1)
    return _UNITS.get(parts[-1], "")


def as_name(text: str) -> str:
    """Return a text as a `Name` of ours: what names may not have becomes `_`; empty if nothing is left."""
    return _NOT_IN_NAMES.sub("_", text).lstrip("_.-")[:_LENGTH]


def attributes_of(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return labels as attributes of a series: those with a value that JSON has, under names of ours."""
    named = {as_name(name): value for name, value in labels.items()}
    return {
        name: value for name, value in named.items() if name and isinstance(value, str | int | float) and value != ""
    }
