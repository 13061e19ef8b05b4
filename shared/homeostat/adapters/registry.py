"""Which adapters there are: ours, and those that other packages name in the group `homeostat.adapters`."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.target import Target
from homeostat.core import Halt, Missing

GROUP: Final = "homeostat.adapters"
"""Group of entry points; each names a function like those here."""

Adapt = Callable[[bytes, Target], Iterable[AdaptedEvent]]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One way of reading a payload.

    Args:
        name: On the command line.
        reads: What it takes, for people.
        gives: What it makes of it, for people.
        make: `module:function`, imported when it is used.
    """

    name: str
    reads: str
    gives: str
    make: str

    def load(self) -> Adapt:
        """Import the function.

        Raises:
            AdapterUnknown: It cannot be imported.
        """
        module, _, function = self.make.partition(":")
        try:
            found: Adapt = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise AdapterUnknown(f"adapter {self.name} ({self.make}) cannot be imported: {error}") from None
        return found


class AdapterUnknown(Halt, Missing):
    """There is no adapter of this name, or it cannot be imported.

    Operator: correct the name, or install the package that has it.
    """


def _ours(name: str, reads: str, gives: str, make: str) -> Adapter:
    return Adapter(name, reads, gives, f"homeostat.adapters.{make}")


# fmt: off
ADAPTERS: Final = {adapter.name: adapter for adapter in (
    _ours("prometheus", "answer of a range or instant query, JSON", "signals", "prometheus:query_result"),
    _ours("prometheus-remote-write", "WriteRequest, as sent or as JSON", "signals", "prometheus:remote_write"),
    _ours("otlp-metrics", "ExportMetricsServiceRequest, JSON or protobuf", "signals", "otlp:metrics"),
    _ours("alertmanager", "webhook", "signals", "alertmanager:webhook"),
    _ours("kubernetes-events", "kubectl get events -o json, or a watch", "signals", "kubernetes:events"),
    _ours("argo-rollouts", "kubectl get rollouts,analysisruns -o json", "deployments, signals",
          "argo_rollouts:history"),
    _ours("github", "webhook workflow_run", "signals", "ci:github"),
    _ours("gitlab", "webhook of a pipeline", "signals", "ci:gitlab"),
    _ours("aws-lambda", "REPORT lines, platform.report, CloudWatch Logs", "signals", "aws_lambda:reports"),
    _ours("kserve", "CloudEvents of the inference logger", "samples", "kserve:inference_log"),
    _ours("seldon", "CloudEvents or documents of the request logger", "samples", "seldon:request_log"),
    _ours("mlflow-runs", "runs/search or runs/get of the REST API", "training traces", "mlflow:runs"),
    _ours("mlflow-webhook", "webhook of the model registry", "registrations, deployments", "mlflow:webhook"),
    _ours("labels", "CSV with request, label, time", "labels", "labels:table"),
)}
# fmt: on
"""Ours, by name."""


def adapters() -> dict[str, Adapter]:
    """Return every adapter by name, ours first; a name of ours is not another package's."""
    found = dict(ADAPTERS)
    for point in entry_points(group=GROUP):
        package = point.dist.name if point.dist is not None else "another package"
        found.setdefault(point.name, Adapter(point.name, f"see {package}", "", point.value))
    return found


def adapter(name: str) -> Adapter:
    """Look an adapter up.

    Raises:
        AdapterUnknown: There is none of this name.
    """
    found = adapters()
    if name not in found:
        raise AdapterUnknown(f"no adapter {name!r}; there are {', '.join(found)}")
    return found[name]
