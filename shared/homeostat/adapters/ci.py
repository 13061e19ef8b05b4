"""Pipelines of GitHub and GitLab, as their webhooks tell them.

Source: https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_run and
https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events
"""

from collections.abc import Mapping
from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.node import Node, document
from homeostat.adapters.signals import signal
from homeostat.adapters.target import Target

_ENDED: Final = frozenset({"success", "failed", "canceled", "skipped"})


def github(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read a `workflow_run`: `pipeline_success` (1 or 0) and `pipeline_duration_seconds`; nothing until it has ended.

    Args:
        payload: JSON.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none.
    """
    body = document(payload)
    run = body["workflow_run"]
    conclusion = run.maybe("conclusion")
    if conclusion is None:
        return []
    began = run.maybe("run_started_at") or run["created_at"]
    ended = run["updated_at"].millis()
    labels = {
        "repository": body["repository"]["full_name"].text(),
        "pipeline": run["name"].text(),
        "branch": _said(run, "head_branch"),
    }
    return _ended(target, run, ended, (ended - began.millis()) / 1000, conclusion.value == "success", labels)


def gitlab(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read a pipeline event: signals as for GitHub, and `pipeline_queued_seconds`.

    Args:
        payload: JSON.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none.
    """
    body = document(payload)
    if body["object_kind"].value != "pipeline":
        raise body["object_kind"].fail("pipeline")
    run = body["object_attributes"]
    if run["status"].text() not in _ENDED:
        return []
    labels = {
        "repository": body["project"]["path_with_namespace"].text(),
        "pipeline": _said(run, "source") or "pipeline",
        "branch": _said(run, "ref"),
    }
    finished, took, queued = run.maybe("finished_at"), run.maybe("duration"), run.maybe("queued_duration")
    if finished is None:
        raise UnreadablePayload(
            "object_attributes.finished_at", f"is missing of a pipeline that is {run['status'].value}"
        )
    ended = finished.millis()
    seconds = took.finite() if took is not None else (ended - run["created_at"].millis()) / 1000
    events = _ended(target, run, ended, seconds, run["status"].value == "success", labels)
    if queued is not None:
        wait = queued.finite()
        events.append(
            signal(target, queued.path, ended, "ci_cd", "pipeline_queued_seconds", wait, unit="s", labels=labels)
        )
    return events


def _ended(
    target: Target, run: Node, time: int, seconds: float, is_success: bool, labels: Mapping[str, str]
) -> list[AdaptedEvent]:
    return [
        signal(target, run.path, time, "ci_cd", "pipeline_success", float(is_success), unit="1", labels=labels),
        signal(target, run.path, time, "ci_cd", "pipeline_duration_seconds", seconds, unit="s", labels=labels),
    ]


def _said(run: Node, name: str) -> str:
    found = run.maybe(name)
    return "" if found is None else str(found.value)
