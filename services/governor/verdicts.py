"""What is published of a decision: to users and to the family."""

from collections.abc import Sequence

from homeostat.core import Emit
from homeostat.core.identity import scope_of
from homeostat.events import RuleResult, VerdictGiven
from homeostat.events.logs import EXPERIENCE, VERDICTS
from homeostat.services.governor.action import Action

Emits = tuple[Emit, ...]


def verdict(action: Action, id_: str, word: str, rules_version: str, results: Sequence[RuleResult] = ()) -> Emits:
    """Publish a verdict.

    Args:
        action: What it is about.
        id_: Its id.
        word: `approved`, `denied`, `held`, `expired`.
        rules_version: Identity of the event that set the rules of its scope; empty: the defaults.
        results: What the rules have found.
    """
    proposal = action.proposal
    given = VerdictGiven.model_validate(
        {
            "action": id_,
            "kind": proposal.kind,
            "family": proposal.family,
            "model": proposal.model,
            "verdict": word,
            "rules": tuple(results),
            "rules_version": rules_version,
            "is_emergency": action.is_emergency,
            "expires_at": action.expires_at,
            "was_served": action.was_served,
        }
    )
    scope = scope_of(proposal.family)
    return (Emit(VERDICTS, given, scope, action.story), Emit(EXPERIENCE, given, proposal.family, action.story))
