"""How fast the meta-learner decides and learns, beside river's contextual bandit on the same contexts."""

import time
from collections.abc import Iterator
from typing import Any, Final

from homeostat.events import (
    ActionProposed,
    Arm,
    CandidateEvaluated,
    FamilyRegistered,
    ModelRegistered,
    OutcomeMeasured,
    ProfileUpdated,
)
from homeostat.stats.keyed_rng import Draws
from homeostat_lab.bench.family import drifted, window_of
from homeostat_lab.bench.folds import fold_of
from homeostat_lab.bench.row import Row, quantile, row
from homeostat_lab.evaluation.feeding import Feeder

_ARMS: Final = ("full", "head", "warm_low", "warm_high", "last_window")
_FEATURES: Final = tuple(f"feature_{number:02d}" for number in range(12))
_FAMILY: Final = "bench/family"
_REFERENCE: Final = "river LinUCBDisjoint, same arms and features"


def decisions(n: int, runs: int) -> Iterator[Row]:
    """Measure decisions and payoffs of one family, in memory, without a broker or codec.

    Args:
        n: Decisions a run, each with the payoffs of all arms.
        runs: Of each.
    """
    deciding, learning, river_deciding, river_learning, tails = [], [], [], [], []
    for run in range(runs):
        contexts = _contexts(run, n)
        asked, learned = _ours(Feeder(fold_of("meta_learner")), contexts)
        deciding.append(n / sum(asked))
        tails.append(1000 * quantile(asked, 0.95))
        learning.append(n * len(_ARMS) / learned)
        pulled, told = _river(contexts)
        river_deciding.append(n / pulled)
        river_learning.append(n * len(_ARMS) / told)
    asking = "registrations, drifts and outcomes: the call that decides alone"
    yield row(
        "meta_learner: decisions",
        "decisions/s",
        deciding,
        reference=_REFERENCE,
        references=river_deciding,
        excluded=asking,
    )
    yield row("meta_learner: a decision, p95", "ms", tails, excluded=asking)
    yield row(
        "meta_learner: payoffs learned",
        "payoffs/s",
        learning,
        reference=_REFERENCE,
        references=river_learning,
        excluded="the outcome of each action, which river has not",
    )


def taught(n: int) -> Feeder[Any]:
    """Return a learner of one family that has made so many decisions and heard of all payoffs."""
    feeder: Feeder[Any] = Feeder(fold_of("meta_learner"))
    _ours(feeder, _contexts(0, n))
    return feeder


def _contexts(run: int, n: int) -> list[list[float]]:
    return [Draws(f"{run}|{number}").normal(len(_FEATURES)).tolist() for number in range(n)]


def _ours(feeder: Feeder[Any], contexts: list[list[float]]) -> tuple[list[float], float]:
    arms = tuple(Arm(name=name, predicted_gain=0.05) for name in _ARMS)
    feeder.publish(_FAMILY, FamilyRegistered(arms=arms, baseline="full"))
    asked, learned = [], 0.0
    for number, context in enumerate(contexts):
        model = f"bench/m{number % 100}"
        if number < 100:
            feeder.publish(_FAMILY, ModelRegistered(family="family", champion="v0", model=model))
        profile = _drift(feeder, model, number, context)
        began = time.perf_counter()
        emits = feeder.publish(_FAMILY, *profile[:1], story=profile[1])
        asked.append(time.perf_counter() - began)
        assert isinstance(emits[0].data, ActionProposed)
        action = f"/homeostat/meta_learner/{feeder.fold.log}/evaluation/0#{feeder.position - 1}.0"
        began = time.perf_counter()
        for place, name in enumerate(_ARMS):
            feeder.publish(_FAMILY, _evaluated(action, model, name, context[place] * 0.05))
        learned += time.perf_counter() - began
        feeder.publish(_FAMILY, _outcome(action, model))
    return asked, learned


def _drift(feeder: Feeder[Any], model: str, number: int, context: list[float]) -> tuple[ProfileUpdated, Any]:
    window = window_of(model)
    story: Any = f"/bench/drift#{number}.0"
    feeder.publish(_FAMILY, drifted(model, "v0", window), story=story)
    features = dict(zip(_FEATURES, context, strict=True))
    profile = ProfileUpdated(
        model=model, version="v0", meta_features=features, labels_since_onset=160, window=window, error_after=0.3
    )
    return profile, story


def _evaluated(action: str, model: str, arm: str, payoff: float) -> CandidateEvaluated:
    return CandidateEvaluated(
        action=action, model=model, arm=arm, version="v1", payoff=payoff, standard_error=0.01, n_labels=200, seconds=1.0
    )


def _outcome(action: str, model: str) -> OutcomeMeasured:
    return OutcomeMeasured(
        action=action,
        kind="retrain",
        model=model,
        arm="full",
        state="promoted",
        verdict="gain",
        gain=0.1,
        gain_low=0.0,
        gain_high=0.2,
        cost=0.0,
        n_labels=200,
    )


def _river(contexts: list[list[float]]) -> tuple[float, float]:
    from river.bandit import LinUCBDisjoint

    bandit: Any = LinUCBDisjoint(alpha=1.0, seed=0)
    pulled = told = 0.0
    for context in contexts:
        named = dict(zip(_FEATURES, context, strict=True))
        began = time.perf_counter()
        bandit.pull(list(_ARMS), context=named)
        pulled += time.perf_counter() - began
        began = time.perf_counter()
        for place, name in enumerate(_ARMS):
            bandit.update(name, named, context[place] * 0.05)
        told += time.perf_counter() - began
    return pulled, told
