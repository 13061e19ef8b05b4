"""From an action's state to the command that asks for it."""

from typing import Final, Literal, assert_never

from homeostat.core import Emit
from homeostat.core.identity import scope_of
from homeostat.events import (
    Command,
    MetaTrainingProposed,
    MetaTrainingStart,
    RetrainProposed,
    RetrainStart,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutProposed,
    RolloutRevert,
    RolloutSet,
    RulesSet,
    ThresholdProposed,
    ThresholdSet,
)
from homeostat.events.logs import POLICY_META_TRAINING, POLICY_RETRAIN, POLICY_ROLLOUT, POLICY_THRESHOLD
from homeostat.events.proposals import of_kind
from homeostat.services.governor.action import Action
from homeostat.services.governor.state import State

Back = tuple[str, str | None]
Verb = Literal["set", "promote", "abort"]
_ROLLOUTS: Final[dict[Verb, type[Rollout]]] = {"set": RolloutSet, "promote": RolloutPromote, "abort": RolloutAbort}


def first(id_: str, action: Action, rules: RulesSet, rules_version: str) -> Emit:
    """Return the command that begins an approved action.

    Args:
        id_: The action.
        action: Approved, and not a rollout.
        rules: In force for its family.
        rules_version: Identity of the event that set them; empty: the defaults.
    """
    proposal = action.proposal
    common = {
        "action": id_,
        "verdict": action.verdict,
        "family": proposal.family,
        "model": proposal.model,
        "rules_version": rules_version,
        "expires_at": action.expires_at,
        "is_emergency": action.is_emergency,
    }
    match of_kind(proposal):
        case RetrainProposed() as retrain:
            train = RetrainStart.model_validate(common | _training(retrain, action, rules))
            return _emit(POLICY_RETRAIN, train, action)
        case ThresholdProposed(band=band):
            return _emit(POLICY_THRESHOLD, ThresholdSet.model_validate(common | {"band": band}), action)
        case MetaTrainingProposed(meta_training=meta_training):
            timeout = rules.meta_training_timeout_seconds
            start = common | {"meta_training": meta_training, "timeout_seconds": timeout}
            return _emit(POLICY_META_TRAINING, MetaTrainingStart.model_validate(start), action)
        case RolloutProposed():
            raise ValueError("a rollout begins with what `rollout` asks for")
        case other:
            assert_never(other)


def _training(proposal: RetrainProposed, action: Action, rules: RulesSet) -> dict[str, object]:
    """Say what a retrain trains, and with which limits and prices."""
    return {
        "arms": [arm for arm in proposal.arms if arm.name in action.waiting_for],
        "champion": action.reference,
        "champion_artifact": action.reference_artifact,
        "window": proposal.window,
        "plan": proposal.plan,
        "chosen": proposal.chosen,
        "timeout_seconds": rules.arm_timeout_seconds,
        "price_per_second": rules.price_per_training_second,
        "prices": rules.prices,
        "currency": rules.currency,
        "revert_to": action.reference,
    }


def rollout(state: State, id_: str, action: Action, verb: Verb, *, is_over: bool = False) -> Emit:
    """Return the command for what an action asks of serving now.

    Args:
        state: For the model and the rules in force.
        id_: The action.
        action: Its phase, step and candidates decide weight and champion.
        verb: Which command says it.
        is_over: The action has ended: no candidates are kept.
    """
    model = state.registry.models[action.proposal.model or ""]
    canary = action.canary
    has_traffic = verb == "set" and action.phase == "rolling" and canary is not None and not is_over
    champion, artifact = model.champion, model.artifact
    if verb == "promote" and canary is not None:
        champion, artifact = canary.version, canary.artifact
    steps = action.proposal.plan.steps
    rules, version = state.rules_of(action.scope)
    command = _ROLLOUTS[verb].model_validate(
        {
            "action": id_,
            "verdict": action.verdict,
            "family": action.proposal.family,
            "model": action.proposal.model,
            "kind": action.proposal.kind,
            "rules_version": version,
            "expires_at": action.expires_at,
            "is_emergency": action.is_emergency,
            "revert_to": action.reference,
            "champion": champion,
            "champion_artifact": artifact,
            "canary": canary.version if has_traffic and canary else None,
            "weight": steps[action.step] if has_traffic else 0.0,
            "candidates": [] if is_over else action.candidates,
            "step": action.step,
            "plan": action.proposal.plan,
            "reference": champion if is_over else action.reference,
            "reference_artifact": artifact if is_over else action.reference_artifact,
            "chosen": action.proposal.chosen,
            "reward_weights": rules.reward_weights,
            "currency": rules.currency,
        }
    )
    return _emit(POLICY_ROLLOUT, command, action)


def revert(state: State, id_: str, subject: str, back: Back, expires_at: int) -> Emit:
    """Return the command that goes back to the last known good version, without candidates.

    Args:
        state: For the rules in force.
        id_: Identity of the request.
        subject: `scope/model`.
        back: Version, and its artifact if known.
        expires_at: Of the command, ms.
    """
    version, artifact = back
    command = RolloutRevert(
        action=id_,
        verdict=id_,
        family=state.registry.models[subject].family,
        model=subject,
        rules_version=state.rules_of(scope_of(subject))[1],
        expires_at=expires_at,
        revert_to=version,
        champion=version,
        champion_artifact=artifact,
        reference=version,
        reference_artifact=artifact,
    )
    return Emit(POLICY_ROLLOUT, command, subject)


def _emit(log: str, command: Command, action: Action) -> Emit:
    return Emit(log, command, action.proposal.subject, action.story)
