"""What the governor says of actions, and of what came past it."""

from typing import ClassVar, Literal

from homeostat.events.base import ActionKind, Data, Name, Subject, Text, Value
from homeostat.events.bounds import Identifier, Millis, Scalar


class RuleResult(Value):
    """What one rule says.

    Args:
        rule: Its name.
        passed: Whether it lets the action go.
        value: What it looked at.
        limit: What is allowed.
        reason: One sentence.
        nearest: The nearest value that would have passed.
    """

    rule: Name
    passed: bool
    value: Scalar
    limit: Scalar
    reason: Text
    nearest: Scalar | None = None


class VerdictGiven(Data):
    """What the governor says of an action, with every rule.

    Args:
        action: The action.
        kind: Its kind.
        family: `scope/family`.
        model: The model, if any.
        verdict: approved, denied, held for approval, expired.
        rules: Every rule, passed or not.
        rules_version: Identity of the `rules.set` in force, empty for the defaults.
        is_emergency: Approved by two people, through a freeze.
        expires_at: When it ends if nothing else happens.
        was_served: A rollout of it was reported before this verdict, so an outcome follows. Of what expires without one
            no outcome comes: nothing was served or compared.
    """

    TYPE: ClassVar[str] = "homeostat.verdict.given.v1"
    action: str
    kind: ActionKind
    family: Subject
    model: Subject | None = None
    verdict: Literal["approved", "denied", "held", "expired"]
    rules: tuple[RuleResult, ...] = ()
    rules_version: str = ""
    is_emergency: bool = False
    expires_at: Millis = 0
    was_served: bool = False


class DeploymentUnapproved(Data):
    """A model serves a version that no approved action put there.

    Args:
        model: `scope/model`.
        version: What serves.
        replaced: What the governor had as the champion.
        is_noticed: Nobody announced it: its answers were seen.
        is_counted: It is the champion from now on; otherwise the scope takes signed announcements only, and the model
            is not adapted until one comes.
        ended: Actions that were in flight on the former champion, and are over.
        reason: What was said of it.
    """

    TYPE: ClassVar[str] = "homeostat.deployment.unapproved.v1"
    model: Subject
    version: Name
    replaced: Name
    is_noticed: bool = False
    is_counted: bool = True
    ended: tuple[Identifier, ...] = ()
    reason: Text = ""
