"""What an actuator reports of an order."""

from homeostat.core import Report
from homeostat.events import ActionApplied, ActionFailed, ActionReverted, Band, Rollout, ThresholdRevert
from homeostat.events.base import ActionKind
from homeostat.hands.order import Order

_LONGEST = 2000


def applied(order: Order) -> Report:
    """Say that what was ordered is there."""
    if isinstance(order.command, Rollout):
        state = Rollout(**dict(order.command))
        if order.verb == "revert":
            return Report("reverted", ActionReverted.model_validate(_about(order) | {"rollout": state}))
        said = {"rollout": state, "rollout_verb": order.verb}
        return Report("applied", ActionApplied.model_validate(_about(order) | said))
    return Report("applied", ActionApplied.model_validate(_about(order) | {"band": _band(order)}))


def failed(order: Order, reason: str, detail: str) -> Report:
    """Say that it is not.

    Args:
        order: What was ordered.
        reason: Stable code; `target_failed` is tried once more by a later command.
        detail: For people.
    """
    said = {"reason": reason, "detail": detail[:_LONGEST]}
    return Report("failed", ActionFailed.model_validate(_about(order) | said))


def _band(order: Order) -> Band:
    threshold = order.threshold
    return threshold.pinned() if isinstance(threshold, ThresholdRevert) else threshold.band


def _about(order: Order) -> dict[str, object]:
    kind: ActionKind = "rollout" if isinstance(order.command, Rollout) else "threshold"
    return {
        "action": order.command.action,
        "command": order.event.identity,
        "kind": kind,
        "family": order.command.family,
        "model": order.model,
    }
