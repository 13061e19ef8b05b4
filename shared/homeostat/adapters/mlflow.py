"""MLflow: runs as training traces, webhooks of the registry as registrations and deployments.

Source: https://mlflow.org/docs/latest/rest-api.html (runs/search, runs/get) and https://mlflow.org/docs/latest/ml/webhooks
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import as_name
from homeostat.adapters.node import Node, document, documents
from homeostat.adapters.signals import in_order
from homeostat.adapters.target import Target
from homeostat.codec.decode import first_error
from homeostat.core import Payload
from homeostat.events import DeploymentObserved, EpisodeRecorded, ModelRegistered

_FINISHED: Final = frozenset({"FINISHED", "3"})
"""A number where the file store wrote it."""

_USUAL: Final = ("accuracy", "auc", "f1", "r2", "loss", "rmse", "mae", "mse")
_LOSSES: Final = ("loss", "error", "rmse", "mae", "mse", "mape", "logloss")
_LOSS_CURVE: Final = ("loss", "train_loss", "training_loss")
_ENVIRONMENT: Final = ("mlflow.source.git.commit", "mlflow.source.name", "mlflow.source.type")
_SERVING: Final = frozenset({"champion", "production"})
"""Aliases of the version that serves."""


def runs(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read runs that have finished as training traces; others have no result and give nothing.

    Parameters are the hyperparameters, the experiment is the task, the run's name the configuration. A metric with
    several values is a curve: the last one is the result, that of the loss the loss curve.

    Args:
        payload: JSON: `{"run": …}`, `{"runs": […]}`, a run (`info`, `data`), a list of them or one a line.
        target: Family they belong to, as `scope/family`, and the metric that counts.

    Raises:
        UnreadablePayload: It is none, or a run does not have that metric.
    """
    found = [one for whole in documents(payload) for one in _each(whole)]
    return in_order([event for one in found for event in _episode(one, target)])


def _each(whole: Node) -> Iterator[Node]:
    many, single = whole.maybe("runs"), whole.maybe("run")
    yield from many.items() if many is not None else [single if single is not None else whole]


def _episode(run: Node, target: Target) -> Iterator[AdaptedEvent]:
    info, data = run["info"], run["data"]
    status = info.maybe("status")
    if status is None or str(status.value) not in _FINISHED:
        return
    began, ended = info["start_time"].millis("ms"), info["end_time"].millis("ms")
    curves = _curves(data)
    name = _metric(curves, target, data)
    tags = {key: str(value.value) for key, value in _pairs(data, "tags")}
    run_name = info.maybe("run_name")
    curve = next((curves[key] for key in _LOSS_CURVE if len(curves.get(key, ())) > 1), ())
    fields = {
        "episode": (info.maybe("run_id") or info["run_uuid"]).text(),
        "task": as_name(f"experiment-{info['experiment_id'].value}"),
        "configuration": as_name(str(run_name.value) if run_name else tags.get("mlflow.runName", "")) or None,
        "hyperparameters": {key: _scalar(value.value) for key, value in _pairs(data, "params")},
        "loss_curve": curve,
        "metric": as_name(name),
        "is_loss": any(part in name.lower() for part in _LOSSES),
        "result": curves[name][-1],
        "seconds": max(0.0, (ended - began) / 1000),
        "environment": {key: tags[key] for key in _ENVIRONMENT if key in tags},
    }
    try:
        yield AdaptedEvent(ended, target.subject, EpisodeRecorded.model_validate(fields))
    except ValidationError as error:
        raise UnreadablePayload(run.path or "run", first_error(error)) from None


def _pairs(data: Node, name: str) -> Iterator[tuple[str, Node]]:
    found = data.maybe(name)
    for pair in found.items() if found is not None else []:
        if (value := pair.maybe("value")) is not None:
            yield pair["key"].text(), value


def _curves(data: Node) -> dict[str, tuple[float, ...]]:
    """Values of each metric, in the order of their steps."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    listed = data.maybe("metrics")
    for metric in listed.items() if listed is not None else []:
        step, time = metric.maybe("step"), metric.maybe("timestamp")
        at = (step.finite() if step else 0.0, time.finite() if time else 0.0, metric["value"].finite())
        found.setdefault(metric["key"].text(), []).append(at)
    return {key: tuple(value for _, _, value in sorted(points)) for key, points in found.items()}


def _metric(curves: dict[str, tuple[float, ...]], target: Target, data: Node) -> str:
    if target.metric:
        if target.metric not in curves:
            raise UnreadablePayload(f"{data.path}.metrics", f"has no {target.metric!r}; it has {', '.join(curves)}")
        return target.metric
    if not curves:
        raise UnreadablePayload(f"{data.path}.metrics", "is empty: a run without a metric has no result")
    usual = (name for beginning in _USUAL for name in sorted(curves) if beginning in name.lower())
    return next(usual, min(curves))


def _scalar(value: Any) -> bool | int | float | str:
    """Parameters are texts there; numbers were numbers once."""
    text = str(value)
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def webhook(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read an event of the registry; what means nothing here (tags, prompts, other aliases) gives nothing.

    The alias `champion` or `production` is a deployment of the version it is given to. The first version of a model is
    its registration, if the target names a family.

    Args:
        payload: JSON: `entity`, `action`, `timestamp`, `data`.
        target: Model it is about.

    Raises:
        UnreadablePayload: It is none.
    """
    body = document(payload)
    event = f"{body['entity'].text()}.{body['action'].text()}"
    time, data = body["timestamp"].millis(), body["data"]
    events: Sequence[Payload] = ()
    if event == "model_version_alias.created" and data["alias"].text().lower() in _SERVING:
        why = f"MLflow: {data['alias'].value} of {data['name'].value}"
        events = [DeploymentObserved(version=as_name(data["version"].text()), reason=why[:2000])]
    elif event == "model_version.created" and target.family and data["version"].value == "1":
        events = [ModelRegistered(family=target.family, champion="1")]
    return [AdaptedEvent(time, target.subject, one) for one in events]
