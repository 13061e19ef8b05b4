"""What is reported of a training, and the names and seeds that follow from its action."""

import hashlib
from collections.abc import Mapping
from typing import TypedDict

from homeostat.core import Report
from homeostat.events import ActionFailed, CandidateTrained, RetrainStart
from homeostat.events.base import ActionKind, Arm
from homeostat.events.costs import instance_of, price_of
from homeostat.services.retrain_actuator.job_folder import Result


class _About(TypedDict):
    """What every report of a command has in common."""

    action: str
    command: str
    kind: ActionKind
    family: str
    model: str | None


def version_of(action: str, arm: str) -> str:
    """Name of the version that an arm of an action trains: `<arm>-<8 hex digits>`."""
    return f"{arm}-{hashlib.sha256((action + arm).encode()).hexdigest()[:8]}"


def seed_of(action: str) -> int:
    """Seed of an action's draws, below 2**63."""
    return int.from_bytes(hashlib.sha256(action.encode()).digest()[:8]) >> 1


def trained(command: RetrainStart, identity: str, arm: str, result: Result) -> Report:
    """Report how an arm has ended, and at which price of the command's list.

    Args:
        command: That named the arm.
        identity: Of the command.
        arm: Its name.
        result: What is kept of it.
    """
    instance, is_spot = instance_of(next((known for known in command.arms if known.name == arm), Arm(name=arm)))
    candidate = CandidateTrained(
        **_about(command, identity),
        arm=arm,
        version=None if result.error else version_of(command.action, arm),
        artifact=result.artifact or None,
        seconds=result.seconds,
        instance=instance,
        is_spot=is_spot,
        price_per_second=price_of(command.prices, command.price_per_second, instance, is_spot=is_spot),
        currency=command.currency,
        rows=result.rows,
        loss_curve=result.loss_curve,
        error=result.error[:2000],
        seed=seed_of(command.action),
        environment=dict(result.environment) or None,
        code=result.code or None,
    )
    return Report(f"trained.{arm}", candidate)


def failed(command: RetrainStart, identity: str, results: Mapping[str, Result]) -> Report:
    """Report that no arm was trained, and the reason code if all have the same.

    Args:
        command: Whose arms they were.
        identity: Of the command.
        results: By arm, each with an error.
    """
    reasons = {result.reason for result in results.values()}
    reason = (reasons.pop() if len(reasons) == 1 else "") or "all_arms_failed"
    detail = next((result.error for result in results.values()), "the command names no arm")
    return Report("failed", ActionFailed(**_about(command, identity), reason=reason, detail=detail[:2000]))


def _about(command: RetrainStart, identity: str) -> _About:
    return {
        "action": command.action,
        "command": identity,
        "kind": "retrain",
        "family": command.family,
        "model": command.model,
    }
