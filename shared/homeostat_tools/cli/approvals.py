"""Who approved or denied an action, and why."""

from collections.abc import Collection

from homeostat.audit.authority import Approval, approvals
from homeostat.audit.keyring import Keyring
from homeostat.client.logs import Logs
from homeostat.codec.encode import partition_of
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import ApprovalGiven, VerdictGiven
from homeostat.events.logs import GOVERNANCE, VERDICTS
from homeostat_tools.cli.rendering import event_of
from homeostat_tools.cli.times import clock


def of_actions(logs: Logs, keyring: Keyring, refused: Collection[int], actions: Collection[str]) -> list[Approval]:
    """Return what people said of these actions, in the order they said it."""
    return [one for one in approvals(logs.read([GOVERNANCE]), keyring, refused) if one.data.action in actions]


def text_of(approval: Approval) -> str:
    """Who said what, and why, in one line."""
    data = approval.data
    said = (
        ("approved as an emergency" if data.is_emergency else "approved")
        if isinstance(data, ApprovalGiven)
        else "denied"
    )
    who = approval.principal or "nobody whose key is known"
    return f"{said} by {who}" + (f": {data.reason}" if data.reason else ", without a reason")


def newest_of_model(logs: Logs, keyring: Keyring, refused: Collection[int], model: str) -> str:
    """What people said last of an action of a model; empty if they said nothing.

    Args:
        logs: Where.
        keyring: Who is who.
        refused: Offsets of governance that the governor refused.
        model: `scope/model`.
    """
    place = partition_of(scope_of(model).encode(), logs.n_partitions(VERDICTS))
    actions = set[str]()
    for record in logs.read([VERDICTS], partition=place):
        try:
            data = event_of(record).data
        except Reject:
            continue
        if isinstance(data, VerdictGiven) and data.model == model:
            actions.add(data.action)
    said = of_actions(logs, keyring, refused, actions)
    return f"{clock(said[-1].record.timestamp)} {said[-1].data.action} {text_of(said[-1])}" if said else ""
