"""What KServe's inference logger sends.

Source: https://kserve.github.io/website/docs/model-serving/predictive-inference/logger and `pkg/logger/worker.go`.
"""

from homeostat.adapters.cloudevents import logged_events
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.inference_log import joined
from homeostat.adapters.target import Target


def inference_log(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read `org.kubeflow.serving.inference.request` and `.response`, joined by `id`: the rows that were served.

    Args:
        payload: JSON: an event, a list of events, or one a line; see `logged_events`. Bodies are V1 (`instances`,
            `predictions`) or V2 (`inputs`, `outputs`).
        target: Whose rows they are.

    Raises:
        UnreadablePayload: It is none of it.
    """
    return joined(logged_events(payload, ("id",), target.received), target)
