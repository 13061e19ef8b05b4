"""The posterior of every arm's payoff, made anew from the sums of all sources each time it is asked for.

It is the catalogue's expectation and what each source adds, no source more than its cap. A source that is distrusted
leaves with its sums, and the rest is as if it had never spoken.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from river.linear_model import LinearRegression
from river.preprocessing import StandardScaler

from homeostat.events import Arm, PriorPublished
from homeostat.services.meta_learner.federated_prior import ParentPrior
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import FAILURES
from homeostat.services.meta_learner.source_statistics import ArmRecord, ScoredPayoff, StatisticsBySource
from homeostat.stats.hierarchical import Payoffs, Sums, payoffs

Floats = NDArray[np.float64]
_MOST_ARMS: Final = 128


@dataclass(slots=True)
class BaselineRegression:
    """river's regression of one arm's payoffs: published beside the posterior, never decides. It cannot unlearn.

    Args:
        regression: On scaled features.
        scaler: Of its features.
    """

    regression: LinearRegression = field(default_factory=LinearRegression)
    scaler: StandardScaler = field(default_factory=StandardScaler)

    def predict(self, features: dict[str, float]) -> float:
        """Return the payoff expected, in units of `LearnerSettings.unit`."""
        scaled = self.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
        return float(self.regression.predict_one(scaled))  # type: ignore[no-untyped-call]  # river

    def update(self, features: dict[str, float], y: float) -> None:
        """Learn a payoff, in units of `LearnerSettings.unit`."""
        self.scaler.learn_one(features)  # type: ignore[no-untyped-call]  # river
        scaled = self.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
        self.regression.learn_one(scaled, y)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of all arms in one context, in payoff units, without their price.

    Args:
        arms: Names.
        payoffs: Joint posterior, in units of `LearnerSettings.unit`, without the catalogue's expectation.
        mean: (k,).
        sd: (k,).
        context: (d,) intercept and meta-features.
        record: How predictions have done so far, and training times.
    """

    arms: list[str]
    payoffs: Payoffs
    mean: Floats
    sd: Floats
    context: Floats
    record: ArmRecord

    def of(self, arm: str) -> tuple[float, float]:
        """Mean and standard deviation of one arm."""
        at = self.arms.index(arm)
        return float(self.mean[at]), float(self.sd[at])


@dataclass(frozen=True, slots=True)
class Score:
    """How the predictions of an arm have done, the one included whose payoff has just come.

    Args:
        n: Payoffs.
        error: Mean absolute error, in payoff units.
        error_baseline: The same of river's regression.
        coverage: Share of the payoffs that the 90 % interval held.
        n_drifts: How often errors rose, if they did so now.
        parent_harm: Mean absolute error with the parent's prior minus without, and predictions behind it, if the prior
            was dropped now.
    """

    n: int
    error: float
    error_baseline: float
    coverage: float
    n_drifts: int | None
    parent_harm: tuple[float, int] | None


@dataclass(slots=True)
class ArmPosterior:
    """Of one family.

    Args:
        features: Names of the meta-features, in the order of every context behind the intercept.
        arms: Names in the order of the sums.
        expected: Gain by arm that the catalogue expects.
        baselines: By arm.
        sources: What was taught, by who taught it.
        parent: What the other families of the parent have seen.
        n_left_out: Payoffs that nothing was learned from: of arms that the catalogue had no more.
        n_unshared: Payoffs learned since the parent was told.
    """

    features: list[str] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    baselines: dict[str, BaselineRegression] = field(default_factory=dict)
    sources: StatisticsBySource = field(default_factory=StatisticsBySource)
    parent: ParentPrior = field(default_factory=ParentPrior)
    n_left_out: int = 0
    n_unshared: int = 0

    @property
    def width(self) -> int:
        """Numbers of a context: the intercept and the features."""
        return len(self.features) + 1

    def admit(self, arms: Collection[Arm]) -> None:
        """Give every new arm a place: what the catalogue expects, and wide."""
        for arm in arms:
            if arm.name not in self.baselines:
                self.arms.append(arm.name)
                self.expected.append(arm.predicted_gain)
                self.baselines[arm.name] = BaselineRegression()
        self.sources.widen(len(self.arms))
        self.parent.widen(len(self.arms))

    def retire(self, kept: set[str]) -> None:
        """Forget the arms that are not kept, once there are many: a catalogue may change for ever."""
        if len(self.arms) <= _MOST_ARMS:
            return
        rows = [row for row, arm in enumerate(self.arms) if arm in kept]
        self.arms = [self.arms[row] for row in rows]
        self.expected = [self.expected[row] for row in rows]
        self.baselines = {arm: one for arm, one in self.baselines.items() if arm in kept}
        self.sources.select(rows)
        self.parent.select(rows)

    def predict(
        self, arms: Collection[Arm], meta_features: Mapping[str, float], settings: LearnerSettings
    ) -> Prediction:
        """Return the posterior of every arm, from all sources and from the parent's prior unless that was dropped.

        Args:
            arms: Of the catalogue; new ones get a place.
            meta_features: By name; the names of the first are kept for good, and what is missing of them is 0.
            settings: Of the learner.
        """
        if not self.features:
            self.features = sorted(meta_features)
        if any(arm.name not in self.baselines for arm in arms):
            self.admit(arms)
        context = np.array([1.0, *(meta_features.get(name, 0.0) for name in self.features)])
        return self.predict_at(context, settings)

    def predict_at(self, context: Floats, settings: LearnerSettings) -> Prediction:
        """Return the posterior of every known arm in a context (d,)."""
        sums, record = self.sources.totals(len(self.arms), self.width, settings.source_cap)
        return self._predict(sums, record, context, settings)

    def update(
        self,
        arm: str,
        context: Floats,
        payoff: float,
        seconds: float,
        key: str,
        settings: LearnerSettings,
        *,
        learns: bool,
    ) -> Score:
        """Score the prediction of a payoff, then learn from it; the order makes the errors honest.

        Args:
            arm: Known.
            context: (d,) of the decision.
            payoff: As observed, in payoff units.
            seconds: Training time.
            key: Of the sources behind the payoff.
            settings: Of the learner.
            learns: False for a decision that is held out: it is scored only.
        """
        at, k = self.arms.index(arm), len(self.arms)
        sums, record = self.sources.totals(k, self.width, settings.source_cap)
        has_parent = self.parent.sums is not None and not self.parent.is_dropped
        alone = self._at(sums, at, context, settings) if has_parent else 0.0
        prediction = self._predict(sums, record, context, settings)
        mean, sd = float(prediction.mean[at]), float(prediction.sd[at])
        named = dict(zip(["bias", *self.features], context.tolist(), strict=True))
        baseline = abs(self.baselines[arm].predict(named) * settings.unit - payoff)
        noise = settings.noise_sd * settings.unit
        half = settings.interval_z * float(np.sqrt(sd * sd + noise * noise))
        error = abs(mean - payoff)
        scored = ScoredPayoff(at, error, baseline, seconds, is_covered=error <= half)
        own, record = self.sources.update(key, scored, k, self.width, settings.n_sources)
        harm, has_drifted = None, False
        if learns:
            if has_parent:
                harm = self.parent.update(error, abs(alone - payoff), settings.parent_trial)
            own_error = abs(self._at(own.sums.capped(settings.source_cap), at, context, settings) - payoff)
            self.n_unshared += 1
            has_drifted = own.update(at, context, (payoff - self.expected[at]) / settings.unit, own_error, settings)
            self.baselines[arm].update(named, payoff / settings.unit)
        n = int(record.n[at])
        return Score(
            n=n,
            error=float(record.error[at]) / n,
            error_baseline=float(record.error_baseline[at]) / n,
            coverage=int(record.covered[at]) / n,
            n_drifts=self.sources.n_drifts if has_drifted else None,
            parent_harm=harm,
        )

    def update_failure(self, arm: str, context: Floats, settings: LearnerSettings) -> None:
        """Learn that a training of an arm failed: it came to nothing but its price.

        Args:
            arm: Its name.
            context: (d,) of the decision.
            settings: Of the learner.
        """
        at = self.arms.index(arm)
        own = self.sources.of(FAILURES, len(self.arms), self.width, settings.n_sources)
        self.n_unshared += 1
        own.sums.observe(at, context, (0.0 - self.expected[at]) / settings.unit)

    def adopt(self, prior: PriorPublished, settings: LearnerSettings) -> None:
        """Count what the parent's other children have seen, of arms of the same name and the same features."""
        if not self.features:
            self.features = list(prior.features)
        if self.arms and tuple(self.features) == prior.features:  # else knowledge of other domains: it does not fit
            self.parent.sums = self._decoded(prior, settings)

    def shared(self, settings: LearnerSettings) -> dict[str, tuple[float, ...]]:
        """Return what all sources have taught, free of what the catalogue expected: n, moments, products by arm."""
        sums, _ = self.sources.totals(len(self.arms), self.width, settings.source_cap)
        expected = np.array(self.expected) / settings.unit
        moments = sums.moments + expected[:, None] * sums.products[:, :, 0] if len(expected) else sums.moments
        self.n_unshared = 0
        return {
            arm: (float(sums.n[row]), *moments[row].tolist(), *sums.products[row].ravel().tolist())
            for row, arm in enumerate(self.arms)
            if sums.n[row]
        }

    def withdraw(self, source: str, settings: LearnerSettings) -> None:
        """Set aside all that a source had a part in; it may have judged the parent's prior: that is on trial anew."""
        if self.sources.withdraw(source, settings.n_sources):
            self.baselines = {arm: BaselineRegression() for arm in self.baselines}
        self._reset_trial()

    def restore(self, distrusted: list[str]) -> None:
        """Take back in what rests on nobody who is distrusted any more."""
        self.sources.restore(distrusted)
        self._reset_trial()

    def _reset_trial(self) -> None:
        self.parent.reset_trial()
        self.n_unshared = 0

    def _predict(self, sums: Sums, record: ArmRecord, context: Floats, settings: LearnerSettings) -> Prediction:
        if self.parent.sums is not None and not self.parent.is_dropped:
            sums.add(self.parent.sums.capped(settings.parent_cap))
        found = _payoffs(sums, context, settings)
        mean = np.array(self.expected) + found.mean * settings.unit
        return Prediction(list(self.arms), found, mean, found.sd * settings.unit, context, record)

    def _at(self, sums: Sums, at: int, context: Floats, settings: LearnerSettings) -> float:
        """Return the payoff of an arm that one would expect who had heard nothing else than these sums."""
        return self.expected[at] + float(_payoffs(sums, context, settings).mean[at]) * settings.unit

    def _decoded(self, prior: PriorPublished, settings: LearnerSettings) -> Sums:
        d = self.width
        sums = Sums.empty(len(self.arms), d)
        for row, arm in enumerate(self.arms):
            numbers = np.array(prior.statistics.get(arm, ()))
            if len(numbers) == 1 + d + d * d:
                sums.n[row], sums.products[row] = numbers[0], numbers[1 + d :].reshape(d, d)
                offset = self.expected[row] / settings.unit
                sums.moments[row] = numbers[1 : 1 + d] - offset * sums.products[row, :, 0]
        return sums


def _payoffs(sums: Sums, context: Floats, settings: LearnerSettings) -> Payoffs:
    return payoffs(sums, context, shared_sd=settings.shared_sd, own_sd=settings.own_sd, noise_sd=settings.noise_sd)
