"""What families learn from each other: sums that one shares with its parent, and the parent with its other children.

Sums of payoffs are free of what a catalogue expected, so that families with different catalogues may share them. A
family counts what it is given for at most `parent_cap` observations of an arm, and drops it when its own predictions
have been better without. Families never mix in any other way.
"""

import numpy as np

from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed, PriorContributed, PriorPublished
from homeostat.events.logs import EXPERIENCE, INDICATORS
from homeostat.services.meta_learner.knowledge import Floats, Knowledge, pooled, predict
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State
from homeostat.stats.hierarchical import Sums


def contribute(state: State, event: Event, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Tell the parent what this family has learned, replacing what it told before; nothing without a parent."""
    if state.family is None or state.family.parent is None:
        return ()
    knowledge = state.knowledge
    knowledge.n_untold = 0
    sums = pooled(knowledge, settings)
    expected = np.array(knowledge.expected) / settings.unit
    moments = sums.moments + expected[:, None] * sums.products[:, :, 0] if len(expected) else sums.moments
    statistics = {
        arm: (float(sums.n[row]), *moments[row].tolist(), *sums.products[row].ravel().tolist())
        for row, arm in enumerate(knowledge.arms)
        if sums.n[row]
    }
    data = PriorContributed(family=event.subject, features=tuple(knowledge.features), statistics=statistics)
    return (Emit(EXPERIENCE, data, f"{event.subject.partition('/')[0]}/{state.family.parent}"),)


def leave(state: State, event: Event, parent: str | None) -> tuple[Emit, ...]:
    """Take this family's share back from a parent that is not its parent any more, and forget what came from there."""
    before = None if state.family is None else state.family.parent
    if before is None or before == parent:
        return ()
    knowledge = state.knowledge
    knowledge.parent, knowledge.is_parent_dropped, knowledge.harm, knowledge.n_compared = None, False, 0.0, 0
    data = PriorContributed(family=event.subject, statistics={})
    return (Emit(EXPERIENCE, data, f"{event.subject.partition('/')[0]}/{before}"),)


def publish(state: State, event: Event, data: PriorContributed, settings: LearnerSettings) -> tuple[Emit, ...]:
    """As the parent: keep a child's share, and give every child the sum of the others'.

    Where there are too many, the one that has seen least leaves: a family that has seen nothing takes nobody's place.
    """
    if data.family not in state.children and len(state.children) >= settings.n_sources:
        least = min(state.children, key=lambda family: (_seen(state.children[family]), family))
        if _seen(data) <= _seen(state.children[least]):
            return ()
        del state.children[least]
    state.children[data.family] = data
    emits = []
    for child, own in sorted(state.children.items()):
        features = own.features or next((share.features for share in state.children.values() if share.features), ())
        total: dict[str, Floats] = {}
        for other, share in sorted(state.children.items()):
            if other != child and share.features == features:
                for arm, numbers in sorted(share.statistics.items()):
                    before = total.get(arm)
                    total[arm] = np.array(numbers) if before is None else before + np.array(numbers)
        prior = PriorPublished(
            parent=event.subject,
            features=features,
            statistics={arm: tuple(numbers.tolist()) for arm, numbers in total.items()},
        )
        emits.append(Emit(EXPERIENCE, prior, child))
    return tuple(emits)


def _seen(share: PriorContributed) -> float:
    """Return how many payoffs a share rests on."""
    return sum(numbers[0] for _, numbers in sorted(share.statistics.items()) if numbers)


def adopt(state: State, data: PriorPublished, settings: LearnerSettings) -> None:
    """As a child: count what the parent's other children have seen, of arms of the same name and the same features."""
    knowledge = state.knowledge
    if not knowledge.features:
        knowledge.features = list(data.features)
    if not knowledge.arms or tuple(knowledge.features) != data.features:
        return  # another meta-feature schema: knowledge of other domains does not fit
    d = len(knowledge.features) + 1
    sums = Sums.empty(len(knowledge.arms), d)
    for row, arm in enumerate(knowledge.arms):
        numbers = np.array(data.statistics.get(arm, ()))
        if len(numbers) == 1 + d + d * d:
            sums.n[row], sums.products[row] = numbers[0], numbers[1 + d :].reshape(d, d)
            offset = knowledge.expected[row] / settings.unit
            sums.moments[row] = numbers[1 : 1 + d] - offset * sums.products[row, :, 0]
    knowledge.parent = sums


def guard(
    state: State, model: str, arm: str, context: Floats, error: float, payoff: float, settings: LearnerSettings
) -> tuple[Emit, ...]:
    """Compare predictions with and without the parent's prior, before the payoff is learned; drop it if it harms.

    Args:
        state: Changed.
        model: Whose action it is.
        arm: Whose payoff it is.
        context: (d,) of the decision.
        error: Absolute error of the prediction with the parent's prior.
        payoff: As observed.
        settings: Of the learner.

    Returns:
        `parent_prior_harm` once, when it is dropped: mean absolute error with it minus without.
    """
    knowledge = state.knowledge
    if knowledge.parent is None or knowledge.is_parent_dropped:
        return ()
    alone, _ = predict(knowledge, context, settings, with_parent=False).of(arm)
    knowledge.n_compared += 1
    knowledge.harm += error - abs(alone - payoff)
    if knowledge.n_compared < settings.parent_trial or knowledge.harm <= 0.0:
        return ()
    knowledge.is_parent_dropped = True
    value = knowledge.harm / knowledge.n_compared
    said = IndicatorComputed(model=model, name="parent_prior_harm", value=value, n=knowledge.n_compared)
    return (Emit(INDICATORS, said, model),)


def is_due(knowledge: Knowledge, settings: LearnerSettings) -> bool:
    """Tell whether enough was learned since the parent was told."""
    return knowledge.n_untold >= settings.contribute_every
