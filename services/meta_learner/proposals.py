"""Proposals: what is wanted, with alternatives, propensities, intervals and evidence."""

from typing import Final

import numpy as np

from homeostat.core import Event
from homeostat.events import (
    ActionProposed,
    Arm,
    FamilyRegistered,
    MetaTraining,
    Plan,
    ProfileUpdated,
    Range,
)
from homeostat.events.logs import TASKS
from homeostat.services.meta_learner.choice import SKIP, Choice, Floats
from homeostat.services.meta_learner.pricing import money_interval, money_of
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import Look, Model, State
from homeostat.stats.keyed_rng import Draws

_N_NAMED: Final = 8
"""Arms that a sentence for people names."""
_SHIFT: Final = "shift_max"
"""Meta-feature: half the root of the deviations of the input that has moved farthest."""

_LAST: Final = "this is the last look: what more labels do not mend is the new normal"
LAST_WHILE_OPEN: Final = f"a retrain is under way, and {_LAST}"
"""Reason of a skip."""

_HORIZONS_PER_LIMIT: Final = 1
"""A canary without a judgement is inconclusive after this many horizons of labels."""


def context_of(state: State, profile: ProfileUpdated) -> Floats:
    """Meta-features in the family's order, behind the intercept; what is missing is 0."""
    return np.array([1.0, *(profile.meta_features.get(name, 0.0) for name in state.knowledge.features)])


def retrain(
    state: State,
    family: FamilyRegistered,
    model: Model,
    look: Look,
    event: Event,
    choice: Choice,
    shadows: tuple[str, ...],
    settings: LearnerSettings,
) -> ActionProposed:
    """Propose a retrain, or to skip it, on the window of the profile."""
    profile = look.profile
    trained = [name for name in (choice.chosen, *shadows) if name != SKIP]
    return ActionProposed(
        kind="retrain",
        family=event.subject,
        model=profile.model,
        champion=profile.version,
        chosen=choice.chosen,
        baseline=family.baseline,
        arms=_arms(state, family, choice, settings),
        shadows=shadows,
        window=profile.window,
        plan=Plan(
            recipe=family.recipe,
            steps=family.steps,
            soak_labels=family.soak_labels,
            horizon_labels=family.horizon_labels,
            label_limit=_HORIZONS_PER_LIMIT * family.horizon_labels,
            price=family.price_per_retrain,
        ),
        money=sum(money_of(state, arm, settings) for arm in family.arms if arm.name in trained),
        slots=1,
        tier=model.tier,
        sources=_sources(state, family, profile),
        evidence=(*model.evidence, look.identity),
        reason=_reason(choice, family.price_per_retrain, profile),
    )


def stated_skip(model: Model, look: Look, event: Event, reason: str) -> ActionProposed:
    """Propose to do nothing, and say why there is nothing else to propose: no other arm can be taken.

    Args:
        model: Under drift.
        look: At it.
        event: That led to it.
        reason: One sentence, with what to do.
    """
    profile = look.profile
    return ActionProposed(
        kind="retrain",
        family=event.subject,
        model=profile.model,
        champion=profile.version,
        chosen=SKIP,
        baseline=SKIP,
        arms=(Arm(name=SKIP, propensity=1.0),),
        window=profile.window,
        tier=model.tier,
        sources=profile.sources,
        evidence=(*model.evidence, look.identity),
        reason=reason,
    )


def without_labels(profile: ProfileUpdated, wanted: int) -> str:
    """Say that a retrain has nothing to learn from, and what is known all the same."""
    far = profile.meta_features.get(_SHIFT)
    moved = f"; the farthest input is {_deviations(far):.2g} deviations of a bucket's mean off" if far else ""
    return (
        f"no retrain without labels: {profile.labels_since_onset} of {wanted} came since the onset, and no more come "
        f"in time{moved}; publish labels of the rows since then, or look at what feeds the model"
    )


def without_arms(family: str) -> str:
    """Say that nobody has registered what could be done."""
    return f"no retrain without arms: nobody has registered any for {family}; publish family.registered"


def _deviations(shift: float) -> float:
    """Turn the meta-feature, half a root, back into deviations; what is beyond its bound counts as the bound."""
    return (2.0 * shift) * (2.0 * shift)


def _arms(state: State, family: FamilyRegistered, choice: Choice, settings: LearnerSettings) -> tuple[Arm, ...]:
    by_name = {arm.name: arm for arm in family.arms} | {SKIP: Arm(name=SKIP)}
    arms, newest = [], state.weights[-1].artifact if state.weights else None
    for name, propensity in choice.propensities.items():
        mean, low, high = choice.gains[name]
        cost, cost_low, cost_high = (0.0, 0.0, 0.0) if name == SKIP else money_interval(state, by_name[name], settings)
        template = by_name[name]
        uses_weights = template.hyperparameters.get("initial_weights") == "published"
        score = state.knowledge.score(name)
        arms.append(
            template.model_copy(
                update={
                    "propensity": propensity,
                    "predicted_gain": mean,
                    "gain_low": low,
                    "gain_high": high,
                    "risk": choice.risks[name],
                    "predicted_cost": cost,
                    "cost_low": cost_low,
                    "cost_high": cost_high,
                    "initial_weights": newest if uses_weights else template.initial_weights,
                    "hyperparameters": template.hyperparameters
                    | ({"expected_seconds": score.seconds} if score and score.seconds else {}),
                }
            )
        )
    return tuple(arms)


def _sources(state: State, family: FamilyRegistered, profile: ProfileUpdated) -> tuple[str, ...]:
    """Whom a retrain rests on: whose rows were seen and, where an arm starts from weights, whose tasks taught these."""
    is_warm = any(arm.hyperparameters.get("initial_weights") == "published" for arm in family.arms)
    taught = state.weights[-1].sources if is_warm and state.weights else []
    return tuple(sorted({*profile.sources, *taught}))


def _reason(choice: Choice, price: float, profile: ProfileUpdated) -> str:
    """Say why, in one sentence; what is not done now waits for twice the labels, while there are more looks."""
    n = profile.labels_since_onset
    names = ", ".join(choice.kept_back[:_N_NAMED]) + (", …" if len(choice.kept_back) > _N_NAMED else "")
    held = f"; not yet allowed: {names}" if names else ""
    mean, low, high = choice.gains[choice.chosen]
    if choice.chosen == SKIP:
        mean, low, high = max((gain for name, gain in choice.gains.items() if name != SKIP), default=(0.0, 0.0, 0.0))
        later = _LAST if profile.is_last else f"if the drift lasts, that is looked at again at {2 * n} labels"
        gain = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}] for {price:.3f}"
        return f"no retrain now: the best arm may gain {gain}{held}; {later}"
    last = f"; {_LAST}" if profile.is_last else ""
    return f"{choice.chosen} is expected to gain {mean:+.3f} [{low:+.3f}, {high:+.3f}] for {price:.3f}{held}{last}"


def meta_training(state: State, event: Event, settings: LearnerSettings) -> ActionProposed:
    """Propose to learn initial weights from the tasks so far."""
    tasks = state.tasks
    n_new, n_total = (tasks.count(counts, state.distrusted) for counts in (tasks.new, tasks.total))
    window = Range(
        log=TASKS,
        subject=event.subject,
        source=tasks.source,
        first=tasks.first,
        last=tasks.last,
        from_time=tasks.since,
        rows=n_total,
    )
    return ActionProposed(
        kind="meta_training",
        family=event.subject,
        chosen="maml",
        arms=(Arm(name="maml", propensity=1.0),),
        window=window,
        meta_training=MetaTraining(
            window=window,
            n_steps=settings.training_steps,
            seed=int(Draws(event.identity).uniform(1)[0] * 2**31),
            current=state.weights[-1].artifact if state.weights else None,
            excluded_sources=tuple(state.distrusted),
            seats=dict(sorted(state.seats.principals.items())),
        ),
        money=(tasks.seconds or settings.first_meta_seconds) * state.rules.price_per_training_second,
        slots=1,
        evidence=(event.identity,),
        reason=f"{n_new} new tasks of {n_total}",
    )
