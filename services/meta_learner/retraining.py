"""When a profile of a drifted model becomes a decision, and what is booked of it."""

from homeostat.core import Emit, Event
from homeostat.events import FamilyRegistered, ProfileUpdated
from homeostat.events.logs import GOVERNANCE
from homeostat.stats.draws import Draws
from meta_learner import knowledge, learning, proposals
from meta_learner.choice import SKIP, Choice, Question, choose
from meta_learner.pricing import prices_in_points
from meta_learner.screening import is_real
from meta_learner.settings import LearnerSettings
from meta_learner.state import Decision, Model, State


def consider(
    state: State, model: Model, event: Event, profile: ProfileUpdated, settings: LearnerSettings
) -> tuple[Emit, ...]:
    """Propose a retrain, or to skip it, once the open drift has labels enough and nothing is in flight.

    Must be the first emit of its step: the action's id is the identity of the 0th.
    """
    family = state.family
    if family is None or profile.window is None or profile.is_noisy:
        return ()
    if model.drift != event.story or model.open_action or profile.labels_since_onset < family.wait_labels:
        return ()
    if model.decided != event.story and not is_real(state, profile.model):
        return ()
    if model.decided == event.story and profile.labels_since_onset < 2 * model.decided_labels:
        return ()  # once more only with twice the labels
    knowledge.admit(
        state.knowledge, tuple(arm for arm in family.arms if arm.name != SKIP), sorted(profile.meta_features)
    )
    context = proposals.context_of(state, profile)
    arms = available(state, family, settings)
    question = Question(
        arms=arms,
        baseline=family.baseline,
        prices=prices_in_points(state, model, family, arms, settings),
        level=1.0 - (profile.error_after if profile.error_after is not None else 0.5),
        key=event.identity,
    )
    choice = choose(question, knowledge.predict(state.knowledge, context, settings), state.ledger, settings)
    shadows = _shadows(choice, question.prices, family, settings)
    proposal = proposals.retrain(state, family, model, profile, event, choice, shadows, settings)
    model.decided, model.decided_labels = event.story, profile.labels_since_onset
    if proposal.chosen != SKIP or proposal.shadows:  # a skip without shadows is over with its verdict
        action = event.emit_identity(0)
        model.open_action = action
        state.ledger.open(choice.low, choice.baseline)
        state.decisions[action] = Decision(
            model=profile.model,
            context=context.tolist(),
            chosen=choice.chosen,
            baseline=family.baseline if family.baseline in arms else SKIP,
            prices=question.prices,
            level=question.level,
            low=choice.low,
            expected_baseline=choice.baseline,
            is_held_out=float(Draws(f"{action}|held out").uniform(1)[0]) < settings.held_out_share,
        )
        if len(state.decisions) > settings.n_decisions:
            learning.abandon(state, next(iter(state.decisions)), is_awaited=False)
    return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)


def available(state: State, family: FamilyRegistered, settings: LearnerSettings) -> list[str]:
    """Names of the arms that can be taken now, sorted: filters come before chance.

    An arm needs its initial weights, a training time whose upper bound is allowed, and a rung that leaves it to the
    learner.
    """
    names = []
    for arm in family.arms:
        score = state.knowledge.scores.get(arm.name)
        is_slow = (
            family.most_seconds is not None
            and score is not None
            and score.most_seconds(settings.interval_z) > family.most_seconds
        )
        needs_weights = arm.hyperparameters.get("initial_weights") == "published"
        if arm.name != SKIP and not is_slow and (state.weights or not needs_weights):
            names.append(arm.name)
    rule = [family.baseline] if family.baseline in names else [SKIP]
    if state.rung == "catalogue":
        return rule
    if state.rung == "scheduler":
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
