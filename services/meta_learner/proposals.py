"""Proposals: what is wanted, with alternatives, propensities, intervals and evidence."""

from collections.abc import Mapping, Sequence
from typing import Final

from homeostat.events import Arm, FamilyRegistered, Plan, ProfileUpdated, RetrainProposed
from homeostat.events.base import Tier
from homeostat.services.meta_learner.initial_weights import Weights
from homeostat.services.meta_learner.pricing import Quote
from homeostat.services.meta_learner.thompson_sampling import SKIP, Choice

_N_NAMED: Final = 8
"""Arms that a sentence for people names."""
_SHIFT: Final = "shift_max"
"""Meta-feature: half the root of the deviations of the input that has moved farthest."""

_LAST: Final = "this is the last look: what more labels do not mend is the new normal"
LAST_WHILE_OPEN: Final = f"a retrain is under way, and {_LAST}"
"""Reason of a skip."""

_HORIZONS_PER_LIMIT: Final = 1
"""A canary without a judgement is inconclusive after this many horizons of labels."""
_FREE: Final = Quote(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def retrain(
    name: str,
    family: FamilyRegistered,
    profile: ProfileUpdated,
    tier: Tier,
    evidence: tuple[str, ...],
    choice: Choice,
    shadows: tuple[str, ...],
    priced: Mapping[str, Quote],
    weights: Sequence[Weights],
) -> RetrainProposed:
    """Propose a retrain, or to skip it, on the window of the profile.

    Args:
        name: `scope/family`.
        family: With arms and plan.
        profile: Of the model, with a window.
        tier: Risk of the model.
        evidence: Identities of what was noticed, and of the profile.
        choice: The arm, and its alternatives.
        shadows: Arms that are trained and scored beside.
        priced: By arm.
        weights: Initial weights that may be used, the newest last.
    """
    assert profile.window is not None
    trained = [name for name in (choice.chosen, *shadows) if name != SKIP]
    return RetrainProposed(
        family=name,
        model=profile.model,
        champion=profile.version,
        chosen=choice.chosen,
        baseline=family.baseline,
        arms=_arms(family, choice, priced, weights),
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
        money=sum(priced[arm.name].money for arm in family.arms if arm.name in trained),
        slots=1,
        tier=tier,
        sources=_sources(family, profile, weights),
        evidence=evidence,
        reason=_reason(choice, family.price_per_retrain, profile),
    )


def stated_skip(
    family: str, profile: ProfileUpdated, tier: Tier, evidence: tuple[str, ...], reason: str
) -> RetrainProposed:
    """Propose to do nothing, and say why there is nothing else to propose: no other arm can be taken.

    Args:
        family: `scope/family`.
        profile: Of the model under drift, with a window.
        tier: Risk of the model.
        evidence: Identities of what was noticed, and of the profile.
        reason: One sentence, with what to do.
    """
    assert profile.window is not None
    return RetrainProposed(
        family=family,
        model=profile.model,
        champion=profile.version,
        chosen=SKIP,
        baseline=SKIP,
        arms=(Arm(name=SKIP, propensity=1.0),),
        window=profile.window,
        tier=tier,
        sources=profile.sources,
        evidence=evidence,
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


def _arms(
    family: FamilyRegistered, choice: Choice, priced: Mapping[str, Quote], weights: Sequence[Weights]
) -> tuple[Arm, ...]:
    by_name = {arm.name: arm for arm in family.arms} | {SKIP: Arm(name=SKIP)}
    arms, newest = [], weights[-1].artifact if weights else None
    for name, propensity in choice.propensities.items():
        template, quote = by_name[name], priced.get(name, _FREE)
        mean, low, high = choice.gains[name]
        uses_weights = template.hyperparameters.get("initial_weights") == "published"
        arms.append(
            template.model_copy(
                update={
                    "propensity": propensity,
                    "predicted_gain": mean,
                    "gain_low": low,
                    "gain_high": high,
                    "risk": choice.risks[name],
                    "predicted_cost": quote.money,
                    "cost_low": quote.money_low,
                    "cost_high": quote.money_high,
                    "initial_weights": newest if uses_weights else template.initial_weights,
                    "hyperparameters": template.hyperparameters
                    | ({"expected_seconds": quote.seconds} if quote.seconds else {}),
                }
            )
        )
    return tuple(arms)


def _sources(family: FamilyRegistered, profile: ProfileUpdated, weights: Sequence[Weights]) -> tuple[str, ...]:
    """Whom a retrain rests on: whose rows were seen and, where an arm starts from weights, whose tasks taught these."""
    is_warm = any(arm.hyperparameters.get("initial_weights") == "published" for arm in family.arms)
    taught = weights[-1].sources if is_warm and weights else []
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
