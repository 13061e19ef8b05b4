"""An action: what was proposed, how far it is, and what it has cost so far."""

from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from homeostat.core import Identity
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionProposed,
    Arm,
    Candidate,
    CandidateTrained,
    MetaTrainingProposed,
    RetrainProposed,
    RolloutProposed,
    RulesSet,
    ThresholdProposed,
)
from homeostat.events.costs import instance_of, price_of
from homeostat.events.proposals import of_kind

Phase = Literal["held", "training", "ready", "rolling", "promoting", "measuring", "acting"]

SERVING: Final = ("retrain", "rollout")
"""Kinds of actions that change what a model serves."""

SERVED: Final = ("rolling", "promoting", "measuring")
"""Phases in which the candidates may lie on the model server."""


@dataclass(slots=True)
class Action:
    """An action that is held, in flight, or held back beside its promotion.

    Args:
        proposal: What was asked.
        phase: How far it is; `InFlight.move` changes it, as it counts phases.
        story: Story of the proposal.
        verdict: Identity of the verdict, once approved.
        expires_at: When it ends if nothing else happens, ms.
        waiting_for: Arms that have not reported.
        candidates: What they trained.
        reference: Champion at the start, and its artifact.
        step: Index of the canary's step, -1 without traffic.
        cost: Money for training so far by the price list, of the arms that failed too.
        judgement: The last one not acted on yet, because of a freeze.
        approvers: Principals that said it is an emergency, while a second one is waited for.
        is_emergency: Two of them did: no freeze holds it.
        requester: Who asked, if a person did.
        was_served: A rollout of it was reported: the evaluator measures it.
        n_failed: Failures of its hand since something last went well.
    """

    proposal: ActionProposed
    phase: Phase
    story: Identity
    verdict: str = ""
    expires_at: int = 0
    waiting_for: list[str] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    reference: str = ""
    reference_artifact: str | None = None
    step: int = -1
    cost: float = 0.0
    judgement: str = ""
    approvers: list[str] = field(default_factory=list)
    is_emergency: bool = False
    requester: str = ""
    was_served: bool = False
    n_failed: int = 0

    @property
    def scope(self) -> str:
        """Scope of the action."""
        return scope_of(self.proposal.family)

    @property
    def model(self) -> str | None:
        """Model of the action, `scope/model`; None for a family's."""
        return self.proposal.model

    @property
    def reserved(self) -> float:
        """Money that is kept for it: what it asked for, or what it has cost by now if that is more."""
        return max(self.proposal.money, self.cost)

    @property
    def canary(self) -> Candidate | None:
        """The candidate that was drawn at the proposal."""
        return next((c for c in self.candidates if c.arm == self.proposal.chosen), None)

    def approve(self, verdict: str, now: int, rules: RulesSet) -> None:
        """Begin: what is held becomes what its kind begins with.

        Args:
            verdict: Identity of the verdict.
            now: Broker time, ms.
            rules: Of its family.
        """
        self.verdict = verdict
        self.renew(now, rules)
        match of_kind(self.proposal):
            case RolloutProposed(candidates=candidates):
                self.phase, self.candidates = "ready", list(candidates)
            case RetrainProposed(trained_arms=arms):
                self.phase, self.waiting_for = "training", arms
            case ThresholdProposed() | MetaTrainingProposed():
                self.phase = "acting"
            case other:
                assert_never(other)

    def add_candidate(self, data: CandidateTrained, rules: RulesSet) -> float:
        """Take the report of an arm that was waited for.

        Args:
            data: What it has trained, or that it has not.
            rules: For the prices.

        Returns:
            Money that has to be reserved beyond what was: what an arm costs more is kept too, so that nobody else is
            given it.
        """
        self.waiting_for.remove(data.arm)
        before = self.reserved
        self.cost += data.seconds * self._price_per_second(data.arm, rules)
        if data.version is not None and data.artifact is not None:
            self.candidates.append(
                Candidate(arm=data.arm, version=data.version, artifact=data.artifact, seconds=data.seconds)
            )
        return self.reserved - before

    def close_training(self) -> None:
        """Begin with what was trained; what has not reported does not count."""
        self.waiting_for.clear()
        self.candidates.sort(key=lambda candidate: candidate.arm)

    def start_serving(self) -> Phase:
        """Take the first step if there is a canary; return the phase that begins."""
        has_canary = self.canary is not None
        self.step = 0 if has_canary else -1
        return "rolling" if has_canary else "measuring"

    def next_step(self) -> Literal["promote", "set", ""]:
        """Act on the last judgement: the canary's next step, which is counted, or the promotion."""
        judgement, self.judgement = self.judgement, ""
        if judgement == "continue" and self.step + 1 < len(self.proposal.plan.steps):
            self.step += 1
            return "set"
        return "promote" if judgement in ("continue", "promote") else ""

    def step_back(self) -> Phase:
        """Undo what a brake has stopped; return the phase to go back to.

        An abort passes brakes, so what was aborted is left alone.
        """
        if self.phase == "promoting":
            self.judgement = "promote"
            return "rolling"
        if self.phase == "rolling" and self.step > 0:
            self.step, self.judgement = self.step - 1, "continue"
            return "rolling"
        if self.phase == "rolling" or (self.phase == "measuring" and self.canary is None):
            self.step = -1
            return "ready"
        return self.phase

    def renew(self, now: int, rules: RulesSet, *, at_least: int = 0) -> None:
        """Let what it commands from now on live as long as an action.

        Args:
            now: Broker time, ms.
            rules: Of its family.
            at_least: It expires no sooner than this, ms.
        """
        asked, longest = self.proposal.ttl_ms, rules.action_ttl_ms
        self.expires_at = max(at_least, now + (longest if asked is None else min(asked, longest)))

    def hold_back(self, now: int, rules: RulesSet) -> None:
        """Leave only the old champion beside the promoted version, for the life of an action at most.

        Args:
            now: Broker time, ms.
            rules: Of its family.
        """
        assert self.canary is not None
        self.candidates, self.step = [self.canary], -1
        self.renew(now, rules)

    def _price_per_second(self, name: str, rules: RulesSet) -> float:
        arm = next((arm for arm in self.proposal.arms if arm.name == name), Arm(name=name))
        instance, is_spot = instance_of(arm)
        return price_of(rules.prices, rules.price_per_training_second, instance, is_spot=is_spot)
