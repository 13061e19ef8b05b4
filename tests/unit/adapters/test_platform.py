"""Events of clusters, pipelines and functions become signals, and deployments."""

import json

import pytest
from tests.unit.adapters.payloads import BEGIN, FOLDER, attributes, read, signals

from homeostat.adapters import UnreadablePayload
from homeostat.events import DeploymentObserved


def test_events_of_both_api_groups_are_counted() -> None:
    """By reason; the attributes say of what."""
    events = read("kubernetes-events")

    assert signals(events) == [
        (120123, "kubernetes", "event.ScalingReplicaSet", 2.0, ""),
        (310000, "kubernetes", "event.BackOff", 17.0, ""),
    ]
    assert attributes(events[1]) == {
        "kind": "Pod",
        "namespace": "shop",
        "name": "ranker-7d9f",
        "type": "Warning",
        "component": "kubelet",
    }


def test_a_watch_wraps_events_line_by_line() -> None:
    """`kubectl get events --watch -o json --output-watch-events`."""
    items = json.loads((FOLDER / "kubernetes_events.json").read_text("utf-8"))["items"]
    lines = "\n".join(json.dumps({"type": "ADDED", "object": item}) for item in items)

    assert signals(read("kubernetes-events", lines)) == signals(read("kubernetes-events"))


def test_a_rollout_is_a_deployment_and_its_analysis_signals() -> None:
    """The stable version has served since the rollout was completed."""
    *measured, deployed = read("argo-rollouts")

    assert signals(measured) == [
        (901000, "ci_cd", "success-rate", 0.993, ""),
        (1201000, "ci_cd", "success-rate", 0.991, ""),
    ]
    assert attributes(measured[0]) == {"phase": "Successful", "rollout": "ranker"}
    assert isinstance(deployed.data, DeploymentObserved)
    assert (deployed.time - BEGIN, deployed.data.version) == (1_800_000, "6f8d9c7b54")


def test_a_workflow_that_has_ended_is_told() -> None:
    """How it ended, and how long it took; one that runs is not."""
    events = read("github")

    assert signals(events) == [
        (450000, "ci_cd", "pipeline_success", 0.0, "1"),
        (450000, "ci_cd", "pipeline_duration_seconds", 445.0, "s"),
    ]
    assert attributes(events[0]) == {"repository": "shop/ranker", "pipeline": "train-and-test", "branch": "main"}
    running = json.loads((FOLDER / "github_workflow_run.json").read_text("utf-8"))
    running["workflow_run"]["conclusion"] = None
    assert read("github", json.dumps(running)) == []


def test_a_pipeline_of_gitlab_says_how_long_it_waited() -> None:
    """Beside how it ended."""
    assert signals(read("gitlab")) == [
        (240000, "ci_cd", "pipeline_success", 1.0, "1"),
        (240000, "ci_cd", "pipeline_duration_seconds", 200.0, "s"),
        (240000, "ci_cd", "pipeline_queued_seconds", 12.0, "s"),
    ]


def test_invocations_are_reported_in_text() -> None:
    """A cold start says how long it took to begin; the time is when the log came."""
    assert signals(read("aws-lambda")) == [
        (0, "serverless", "invocation_duration_seconds", pytest.approx(0.39599), "s"),
        (0, "serverless", "billed_duration_seconds", pytest.approx(0.662), "s"),
        (0, "serverless", "init_duration_seconds", pytest.approx(0.26572), "s"),
        (0, "serverless", "memory_size_bytes", 512 * 2**20, "By"),
        (0, "serverless", "memory_used_bytes", 301 * 2**20, "By"),
    ]


def test_invocations_come_from_cloudwatch() -> None:
    """In text and in JSON, with the function's name and their own times."""
    events = read("aws-lambda", (FOLDER / "aws_lambda_cloudwatch.json").read_bytes())

    took = [row for row in signals(events) if row[2] == "invocation_duration_seconds"]
    assert [row[0] for row in took] == [1000, 2500]
    assert [row[3] for row in took] == pytest.approx([0.005, 0.01374])
    assert attributes(events[0]) == {"function": "score-orders"}


def test_a_log_without_reports_is_no_payload() -> None:
    """Rather than nothing, silently."""
    with pytest.raises(UnreadablePayload, match="no REPORT line"):
        read("aws-lambda", "START RequestId: 1\nEND RequestId: 1\n")
