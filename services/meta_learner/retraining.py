"""When a profile of a drifted model becomes a decision, and what is booked of it."""

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import FamilyRegistered
from homeostat.events.logs import GOVERNANCE
from homeostat.services.meta_learner import knowledge, learning, proposals
from homeostat.services.meta_learner.choice import SKIP, Choice, Question, choose
from homeostat.services.meta_learner.pricing import prices_in_points
from homeostat.services.meta_learner.screening import is_real
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import Decision, Look, Model, State
from homeostat.stats.held_out import is_held_out


def consider(
    state: State, model: Model, event: Event, look: Look, settings: LearnerSettings, ordinal: int = 0
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
    family, profile, story = state.family, look.profile, look.story
    if profile.window is None or model.drift != story:
        return ()
    if model.open_action:
        return _skip(model, look, event, proposals.LAST_WHILE_OPEN) if profile.is_last else ()
    if model.decided != story and not is_real(state, profile.model):
        return ()
    wanted = family.wait_labels if family is not None else settings.wait_labels
    is_enough = profile.labels_since_onset >= wanted
    if family is None and (is_enough or profile.is_overdue) and model.decided != story:
        model.decided, model.decided_labels = story, profile.labels_since_onset
        return _skip(model, look, event, proposals.without_arms(event.subject))
    if not is_enough and profile.is_overdue:
        return _skip(model, look, event, proposals.without_labels(profile, wanted))
    if family is None or not is_enough or profile.is_noisy:
        return ()
    if model.decided == story and profile.labels_since_onset < 2 * model.decided_labels and not profile.is_last:
        return ()  # once more only with twice the labels; four times if the last ones were in vain
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
        key=event.emit_identity(ordinal) if ordinal else event.identity,
    )
    choice = choose(question, knowledge.predict(state.knowledge, context, settings), state.ledger, settings)
    shadows = _shadows(choice, question.prices, family, settings)
    proposal = proposals.retrain(state, family, model, look, event, choice, shadows, settings)
    if model.decided != story:
        model.decided, model.decided_labels, model.n_denied = story, 0, 0
    model.decided_before, model.decided_labels = model.decided_labels, profile.labels_since_onset
    if proposal.chosen != SKIP or proposal.shadows:  # a skip without shadows is over with its verdict
        action = event.emit_identity(ordinal)
        model.open_action = model.asked = action
        model.look = look
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
            is_held_out=is_held_out(action, settings.held_out_share),
        )
        if len(state.decisions) > settings.n_decisions:
            learning.abandon(state, next(iter(state.decisions)), is_awaited=False)
    return (Emit(GOVERNANCE, proposal, scope_of(event.subject), story),)


def again(state: State, event: Event, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Ask what was postponed until now, each with the newest look at its model; what has settled itself is dropped."""
    emits: tuple[Emit, ...] = ()
    for name, postponed in sorted(state.postponed.items()):
        if postponed.until > event.time:
            continue
        del state.postponed[name]
        model = state.models[name]
        if postponed.look.profile.version == model.champion:
            emits += consider(state, model, event, postponed.look, settings, len(emits))
    return emits


def _skip(model: Model, look: Look, event: Event, reason: str) -> tuple[Emit, ...]:
    proposal = proposals.stated_skip(model, look, event, reason)
    return (Emit(GOVERNANCE, proposal, scope_of(event.subject), look.story),)


def available(state: State, family: FamilyRegistered, settings: LearnerSettings) -> list[str]:
    """Names of the arms that can be taken now, sorted: filters come before chance.

    An arm needs its initial weights, a training time whose upper bound is allowed, and a rung that leaves it to the
    learner.
    """
    names = []
    for arm in family.arms:
        score = state.knowledge.score(arm.name)
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
