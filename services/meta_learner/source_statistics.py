"""What payoffs have taught, kept apart by who said so: nobody outweighs the others and each can be taken back exactly.

A payoff rests on the rows of one source or of several together. What such a set taught is one `SourceStatistics`, under
its key; a source that is distrusted takes every key that it is part of along, and brings it back when it is trusted.
"""

from dataclasses import dataclass, field

import numpy as np
from river.drift import ADWIN

from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import place, read_key, restore, unseat, withdraw
from homeostat.stats.hierarchical import Sums
from homeostat.stats.portable import FloatArray


@dataclass(frozen=True, slots=True)
class ScoredPayoff:
    """A payoff beside its prediction.

    Args:
        arm: Index.
        error: Absolute, in payoff units.
        error_baseline: The same for river's regression.
        seconds: Training time.
        is_covered: Whether the 90 % interval held the payoff.
    """

    arm: int
    error: float
    error_baseline: float
    seconds: float
    is_covered: bool


@dataclass(slots=True)
class ArmRecord:
    """How predictions of k arms have done, each made before its payoff was seen.

    Args:
        n: (k,) payoffs seen.
        error: (k,) sums of absolute errors, in payoff units.
        error_baseline: (k,) the same for river's regression.
        covered: (k,) how often the 90 % interval held the payoff.
        seconds: (k,) mean training times.
        spread: (k,) sums of squared deviations from them.
    """

    n: FloatArray
    error: FloatArray
    error_baseline: FloatArray
    covered: FloatArray
    seconds: FloatArray
    spread: FloatArray

    @classmethod
    def initial(cls, k: int) -> "ArmRecord":
        """Return the record of no prediction of k arms."""
        return cls(*(np.zeros(k) for _ in range(6)))

    def update(self, scored: "ScoredPayoff") -> None:
        """Add one prediction whose payoff has come."""
        arm = scored.arm
        self.n[arm] += 1.0
        self.error[arm] += scored.error
        self.error_baseline[arm] += scored.error_baseline
        self.covered[arm] += scored.is_covered
        deviation = scored.seconds - self.seconds[arm]
        self.seconds[arm] += deviation / self.n[arm]
        self.spread[arm] += deviation * (scored.seconds - self.seconds[arm])

    def add(self, more: "ArmRecord") -> None:
        """Add another record of the same arms."""
        total = self.n + more.n
        deviation, least = more.seconds - self.seconds, np.maximum(total, 1.0)
        self.spread += more.spread + deviation * deviation * self.n * more.n / least
        self.seconds += deviation * more.n / least
        self.n = total
        self.error += more.error
        self.error_baseline += more.error_baseline
        self.covered += more.covered

    def selected(self, rows: list[int]) -> "ArmRecord":
        """Return the record of some of the arms, in this order."""
        return ArmRecord(*(values[rows] for values in self._columns()))

    def widened(self, k: int) -> "ArmRecord":
        """Return the record with further arms behind the present ones, k together."""
        return ArmRecord(*(np.concatenate([values, np.zeros(k - len(values))]) for values in self._columns()))

    def _columns(self) -> tuple[FloatArray, ...]:
        return self.n, self.error, self.error_baseline, self.covered, self.seconds, self.spread


@dataclass(slots=True)
class SourceStatistics:
    """What the payoffs taught that rest on the same sources.

    Args:
        sums: Of the payoffs.
        record: How predictions of them did.
        errors: Change detector of the prediction errors: when they rise, these payoffs count for less. Others' do not,
            or a liar could make the learner forget the honest.
        n_drifts: How often they rose.
    """

    sums: Sums
    record: ArmRecord
    errors: ADWIN = field(default_factory=ADWIN)
    n_drifts: int = 0

    @classmethod
    def initial(cls, k: int, d: int) -> "SourceStatistics":
        """Return the statistics of no payoff of k arms in contexts of d numbers."""
        return cls(Sums.empty(k, d), ArmRecord.initial(k))

    def merged(self, more: "SourceStatistics") -> "SourceStatistics":
        """Return these with others of the same arms; the detector of these goes on."""
        self.sums.add(more.sums)
        self.record.add(more.record)
        self.n_drifts += more.n_drifts
        return self

    def update(self, arm: int, context: FloatArray, y: float, error: float, settings: LearnerSettings) -> bool:
        """Learn a payoff; when errors rise, what these sources taught before counts for less.

        Args:
            arm: Index.
            context: (d,) of the decision.
            y: Payoff beyond the catalogue's expectation, in units of `LearnerSettings.unit`.
            error: Absolute, of the prediction from these statistics alone, in payoff units: what others say can neither
                hide a rise nor cause one.
            settings: Of the learner.

        Returns:
            Whether errors have risen.
        """
        self.sums.observe(arm, context, y)
        before = self.errors.estimation
        self.errors.update(min(error / settings.payoff_limit, 1.0))  # type: ignore[no-untyped-call]  # river's
        if not self.errors.drift_detected or self.errors.estimation <= before:
            return False
        self.n_drifts += 1
        self.sums.fade(settings.drift_weight)
        return True


@dataclass(slots=True)
class StatisticsBySource:
    """Of one family.

    Args:
        by_key: By the key of the sources.
        withdrawn: The same of sources that are distrusted.
    """

    by_key: dict[str, SourceStatistics] = field(default_factory=dict)
    withdrawn: dict[str, SourceStatistics] = field(default_factory=dict)

    @property
    def n_drifts(self) -> int:
        """How often the errors of predictions rose: the meta-model is monitored like any model."""
        return sum(one.n_drifts for one in self.by_key.values())

    def of(self, key: str, k: int, d: int, most: int) -> SourceStatistics:
        """Return the statistics that a payoff belongs to; they begin with the first.

        Args:
            key: Of the sources.
            k: Arms.
            d: Numbers of a context.
            most: Own places of the unsigned seat.
        """
        at = key if key in self.by_key else place(self.by_key, key, most)
        if at not in self.by_key:
            self.by_key[at] = SourceStatistics.initial(k, d)
        return self.by_key[at]

    def update(self, key: str, scored: ScoredPayoff, k: int, d: int, most: int) -> tuple[SourceStatistics, ArmRecord]:
        """Score a payoff by the word of its sources; arguments as in `of`.

        Returns:
            Their statistics, and the record of everybody's.
        """
        own = self.of(key, k, d, most)
        own.record.update(scored)
        total = ArmRecord.initial(k)
        for _, one in sorted(self.by_key.items()):
            total.add(one.record)
        return own, total

    def totals(self, k: int, d: int, cap: float) -> tuple[Sums, ArmRecord]:
        """Add up what all have taught, no name and no seat counting for more than `cap` payoffs of an arm.

        A name counts with all that it is part of, and so does a seat; what several say together has the share of the
        one that has most to say. Records are added as they are.

        Args:
            k: Arms.
            d: Numbers of a context.
            cap: Payoffs of an arm.
        """
        record = ArmRecord.initial(k)
        ranked = [(one, *read_key(key)) for key, one in sorted(self.by_key.items())]
        by_name: dict[tuple[tuple[str, ...], str], FloatArray] = {}
        for one, seats, names in ranked:
            record.add(one.record)
            for name in names:
                by_name[seats, name] = by_name[seats, name] + one.sums.n if (seats, name) in by_name else one.sums.n
        shares, by_seat = list[FloatArray](), dict[str, FloatArray]()
        for one, seats, names in ranked:
            shares.append(_share(one.sums.n, [by_name[seats, name] for name in names], cap))
            for seat in seats:
                n = one.sums.n * shares[-1]
                by_seat[seat] = by_seat[seat] + n if seat in by_seat else n
        total = Sums.empty(k, d)
        for (one, seats, _), share in zip(ranked, shares, strict=True):
            n = one.sums.n * share
            total.add(one.sums.scaled(share * _share(n, [by_seat[seat] for seat in seats], cap)))
        return total, record

    def widen(self, k: int) -> None:
        """Give further arms a place, k together."""
        for one in (*self.by_key.values(), *self.withdrawn.values()):
            if len(one.sums.n) < k:
                one.sums, one.record = one.sums.widened(k), one.record.widened(k)

    def select(self, rows: list[int]) -> None:
        """Keep some of the arms, in this order."""
        for one in (*self.by_key.values(), *self.withdrawn.values()):
            one.sums, one.record = one.sums.selected(rows), one.record.selected(rows)

    def withdraw(self, source: str, most: int) -> bool:
        """Set aside all that a source had a part in; return whether there was anything."""
        return withdraw(self.by_key, self.withdrawn, source, most, SourceStatistics.merged)

    def restore(self, distrusted: list[str]) -> None:
        """Take back in what rests on nobody who is distrusted any more."""
        restore(self.by_key, self.withdrawn, distrusted, SourceStatistics.merged)

    def unseat(self, principal: str, most: int) -> None:
        """Let what somebody signed count as unsigned."""
        for known in (self.by_key, self.withdrawn):
            unseat(known, principal, most, SourceStatistics.merged)


def _share(n: FloatArray, payoffs: list[FloatArray], cap: float) -> FloatArray:
    most = n
    for each in payoffs:
        most = np.maximum(most, each)
    return np.minimum(1.0, cap / np.maximum(most, cap))
