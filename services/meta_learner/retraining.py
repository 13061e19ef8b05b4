"""When a profile of a drifted model becomes a decision, and what is remembered of it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeostat.core import Emit, Event, Identity
from homeostat.core.identity import scope_of
from homeostat.events import Arm, FamilyRegistered, ProfileUpdated, VerdictGiven
from homeostat.events.base import Tier
from homeostat.events.logs import GOVERNANCE
from homeostat.services.meta_learner import proposals
from homeostat.services.meta_learner.alarm_rates import TrackedThreshold
from homeostat.services.meta_learner.denials import Denial
from homeostat.services.meta_learner.false_discovery import DriftEvidence
from homeostat.services.meta_learner.gate import Decision
from homeostat.services.meta_learner.pricing import Quote, quotes
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.thompson_sampling import SKIP, Choice, DecisionProblem, choose
from homeostat.stats.held_out import is_held_out

if TYPE_CHECKING:  # the state is made of what stands here
    from homeostat.services.meta_learner.state import State


@dataclass(frozen=True, slots=True)
class Look:
    """What a proposal rests on.

    Args:
        profile: Of the model under drift.
        identity: Of its event.
        story: Correlation id of the drift.
    """

    profile: ProfileUpdated
    identity: str
    story: Identity


@dataclass(slots=True)
class Model:
    """A member of the family, and how far its open drift has come.

    Args:
        champion: Version that serves, as last heard.
        tier: Risk.
        hourly_value: Worth of one point of accuracy for an hour.
        drift: Correlation id of the open drift.
        evidence: Identities of what was noticed in it.
        change: How sure it is.
        decided: Correlation id of the drift that a retrain was proposed in, last with `decided_labels` labels since its
            onset; doubled if it was in vain.
        decided_before: Labels at the proposal before that one, in the same drift.
        asked: The last retrain that was proposed.
        look: What it rests on, until there is a verdict.
        n_denied: How often it was denied since the last one that was approved, in the same drift.
        open_action: The retrain in flight.
        threshold: Its alert threshold.
    """

    champion: str
    tier: Tier = "low"
    hourly_value: float = 0.0
    drift: Identity | None = None
    evidence: list[str] = field(default_factory=list)
    change: DriftEvidence = field(default_factory=DriftEvidence)
    decided: Identity | None = None
    decided_labels: int = 0
    decided_before: int = 0
    asked: str = ""
    look: Look | None = None
    n_denied: int = 0
    open_action: str = ""
    threshold: TrackedThreshold = field(default_factory=TrackedThreshold)

    @property
    def is_drift_real(self) -> bool:
        """Whether the open drift may be acted on."""
        return self.change.log2_e is None or self.change.is_discovery

    @property
    def has_later_drift(self) -> bool:
        """Whether a drift is open that nothing was proposed for: an action about an earlier one was under way."""
        return self.drift is not None and self.drift != self.decided

    def open_drift(self, event: Event, version: str) -> None:
        """Begin a drift of a version that serves."""
        self.drift, self.evidence, self.champion = event.story, [event.identity], version

    def reset(self) -> None:
        """Forget the open drift."""
        self.drift, self.evidence = None, []

    def deploy(self, version: str) -> bool:
        """Take a deployment of somebody else's in; return whether it has changed the champion.

        What drifted does not serve any more then.
        """
        if version == self.champion:
            return False
        self.champion, self.look = version, None
        self.reset()
        return True

    def is_answered(self, look: Look) -> bool:
        """Tell whether there are too few labels more than at the last proposal: twice, four times if it was in vain."""
        profile = look.profile
        is_more = profile.labels_since_onset >= 2 * self.decided_labels or profile.is_last
        return self.decided == look.story and not is_more

    def decide(self, look: Look) -> None:
        """Remember that a retrain was proposed."""
        if self.decided != look.story:
            self.decided, self.decided_labels, self.n_denied = look.story, 0, 0
        self.decided_before, self.decided_labels = self.decided_labels, look.profile.labels_since_onset

    def approve(self, action: str) -> None:
        """Take an approval in."""
        if action == self.asked:
            self.look, self.n_denied = None, 0

    def deny(self, verdict: VerdictGiven) -> tuple[Look, Denial] | None:
        """Take an action back that was denied.

        Returns:
            What it rested on, and when it may be asked for again with that; None if it is not to be asked for again.
        """
        self.end(verdict.action)
        if self.look is None or verdict.action != self.asked:
            return None
        look, self.look = self.look, None
        denial = Denial.of(verdict, self.n_denied)
        if not denial.is_of_the_moment or look.story != self.drift:
            return None
        self.decided_labels = self.decided_before
        self.n_denied += 1
        return look, denial

    def end(self, action: str, *, is_in_vain: bool = False) -> None:
        """Let the model have its next action; after one in vain with four times the labels.

        Args:
            action: That is over.
            is_in_vain: Whether it brought no better model.
        """
        if self.open_action == action:
            self.open_action = ""
            if is_in_vain:
                self.decided_labels *= 2


def consider(
    state: "State", model: Model, event: Event, look: Look, settings: LearnerSettings, ordinal: int = 0
) -> tuple[Emit, ...]:
    """Propose a retrain, or to skip it, once the open drift has labels enough and nothing is in flight.

    Where its labels do not come in time, skip and say so: no recipe learns from rows without labels. That decides
    nothing: labels that come after all are looked at as if nothing had been said. Where nobody has registered arms, say
    that once of a drift. The last look at a drift is answered in any case.

    Args:
        state: Changed.
        model: Under drift.
        event: That it is asked with: the profile, or a tick.
        look: The newest profile.
        settings: Of the learner.
        ordinal: Of the emit: the action's id is its identity.
    """
    family, profile = state.family, look.profile
    if profile.window is None or model.drift != look.story:
        return ()
    if model.open_action:
        return _skip(model, look, event, proposals.LAST_WHILE_OPEN) if profile.is_last else ()
    is_decided = model.decided == look.story
    if not is_decided and not model.is_drift_real:
        return ()
    wanted = family.wait_labels if family is not None else settings.wait_labels
    is_enough = profile.labels_since_onset >= wanted
    if family is None and (is_enough or profile.is_overdue) and not is_decided:
        model.decided, model.decided_labels = look.story, profile.labels_since_onset
        return _skip(model, look, event, proposals.without_arms(event.subject))
    if not is_enough and profile.is_overdue:
        return _skip(model, look, event, proposals.without_labels(profile, wanted))
    if family is None or not is_enough or profile.is_noisy or model.is_answered(look):
        return ()
    return (_propose(state, family, model, event, look, settings, ordinal),)


def _propose(
    state: "State",
    family: FamilyRegistered,
    model: Model,
    event: Event,
    look: Look,
    settings: LearnerSettings,
    ordinal: int,
) -> Emit:
    profile, trainable = look.profile, [arm for arm in family.arms if arm.name != SKIP]
    prediction = state.posterior.predict(trainable, profile.meta_features, settings)
    priced = quotes(trainable, prediction, family, state.rules, model.hourly_value, settings)
    arms = _available(state, family, trainable, priced)
    problem = DecisionProblem(
        arms=arms,
        baseline=family.baseline,
        prices={name: priced[name].points for name in arms if name in priced},
        level=1.0 - (profile.error_after if profile.error_after is not None else 0.5),
        key=event.emit_identity(ordinal) if ordinal else event.identity,
    )
    choice = choose(problem, prediction, state.decisions.gate, settings)
    shadows = _shadows(choice, problem.prices, family, settings)
    evidence, weights = (*model.evidence, look.identity), state.initial_weights.usable
    proposal = proposals.retrain(event.subject, family, profile, model.tier, evidence, choice, shadows, priced, weights)
    model.decide(look)
    if choice.chosen != SKIP or shadows:  # a skip without shadows is over with its verdict
        action = event.emit_identity(ordinal)
        model.open_action = model.asked = action
        model.look = look
        decision = Decision(
            model=profile.model,
            context=prediction.context.tolist(),
            chosen=choice.chosen,
            baseline=family.baseline if family.baseline in arms else SKIP,
            prices=problem.prices,
            level=problem.level,
            low=choice.low,
            expected_baseline=choice.baseline,
            is_held_out=is_held_out(action, settings.held_out_share),
        )
        state.decisions.open(action, decision, settings.n_decisions)
    return Emit(GOVERNANCE, proposal, scope_of(event.subject), look.story)


def _skip(model: Model, look: Look, event: Event, reason: str) -> tuple[Emit, ...]:
    evidence = (*model.evidence, look.identity)
    proposal = proposals.stated_skip(event.subject, look.profile, model.tier, evidence, reason)
    return (Emit(GOVERNANCE, proposal, scope_of(event.subject), look.story),)


def _available(state: "State", family: FamilyRegistered, arms: list[Arm], priced: dict[str, Quote]) -> list[str]:
    """Names of the arms that can be taken now, sorted: filters come before chance.

    An arm needs its initial weights, a training time whose upper bound is allowed, and a level of autonomy that leaves
    it to the learner.
    """
    most = family.most_seconds
    names = [
        arm.name
        for arm in arms
        if (most is None or priced[arm.name].most_seconds <= most)
        and (state.initial_weights.usable or arm.hyperparameters.get("initial_weights") != "published")
    ]
    rule = [family.baseline] if family.baseline in names else [SKIP]
    if state.autonomy == "catalogue":
        return rule
    if state.autonomy == "scheduler":
        return sorted({*rule, SKIP})
    return sorted({*names, SKIP})


def _shadows(
    choice: Choice, prices: dict[str, float], family: FamilyRegistered, settings: LearnerSettings
) -> tuple[str, ...]:
    """Choose what to train and score beside: the rule's arm always, others while that is worth their price."""
    worth, share = choice.worth, settings.shadow_price / settings.later_decisions
    others = [name for name in worth if name not in (choice.chosen, SKIP, family.baseline)]
    paying = [name for name in others if worth[name] > share * prices[name]]
    paying.sort(key=lambda name: (-worth[name], name))
    rule = [family.baseline] if family.baseline in worth and family.baseline not in (choice.chosen, SKIP) else []
    return tuple(sorted([*rule, *paying][: family.n_shadows]))
