"""The conservative gate: off the rule's path only as far as what was gained pays for it; and what it counts on.

The value of a decision is the accuracy that its horizon is expected to have, net of price. Over all decisions, what was
chosen must be worth at least a share of what the rule would have had, even if everything that is still open ends at its
lower bound. Source: Kazerouni et al. 2017 (conservative linear UCB).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.core import Emit
from homeostat.events import IndicatorComputed, OutcomeMeasured
from homeostat.events.logs import INDICATORS
from homeostat.events.sources import rests_on
from homeostat.services.meta_learner.posterior import ArmPosterior
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import key_of, place, restore, withdraw

_MOST_PAYOFFS: Final = 8
"""Payoffs of one arm of a decision; usually there is one."""


@dataclass(slots=True)
class Gate:
    """Values of decisions so far.

    Args:
        closed: By the key of the sources whose rows said it: sum of the values of what was chosen, and of the rule's
            arm for the same decisions.
        withdrawn: The same of sources that are distrusted.
        open_own: Lower bounds, where it is not known yet.
        open_baseline: Expected values of the rule's arm, for the same.
    """

    closed: dict[str, tuple[float, float]] = field(default_factory=dict)
    withdrawn: dict[str, tuple[float, float]] = field(default_factory=dict)
    open_own: float = 0.0
    open_baseline: float = 0.0

    def totals(self) -> tuple[float, float]:
        """Return the value of all that was chosen, where it is known, and of the rule's arm for the same decisions."""
        own = baseline = 0.0
        for _, (more, rule) in sorted(self.closed.items()):
            own, baseline = own + more, baseline + rule
        return own, baseline

    def allows(self, low: float, baseline: float, share: float) -> bool:
        """Tell whether a decision may be taken.

        Args:
            low: Lower bound of its value.
            baseline: Expected value of the rule's arm.
            share: Of the rule's value that must be kept, in (0, 1].
        """
        closed_own, closed_baseline = self.totals()
        return closed_own + self.open_own + low >= share * (closed_baseline + self.open_baseline + baseline)

    def open(self, low: float, baseline: float) -> None:
        """Count on a decision whose payoffs are awaited.

        Args:
            low: Lower bound of what it is expected to gain.
            baseline: What the baseline is expected to gain.
        """
        self.open_own += low
        self.open_baseline += baseline

    def close(self, low: float, baseline: float) -> None:
        """Take what was counted on with `open` out: it is not open any more."""
        self.open_own -= low
        self.open_baseline -= baseline

    def update(self, key: str, own: float, rule: float, most: int) -> None:
        """Add what came of a decision, under the sources that said so.

        Args:
            key: Of the sources.
            own: Value of what was chosen.
            rule: Value of the rule's arm.
            most: Keys at most; further ones share a few.
        """
        at = key if key in self.closed else place(self.closed, key, most)
        self.closed[at] = _sum(self.closed.get(at, (0.0, 0.0)), (own, rule))

    def withdraw(self, source: str, most: int) -> None:
        """Set aside what was added by the word of a source."""
        withdraw(self.closed, self.withdrawn, source, most, _sum)

    def restore(self, distrusted: list[str]) -> None:
        """Take back in what rests on nobody who is distrusted any more."""
        restore(self.closed, self.withdrawn, distrusted, _sum)


@dataclass(slots=True)
class Payoff:
    """A payoff, and whose rows it rests on."""

    value: float
    sources: list[str]


@dataclass(slots=True)
class Decision:
    """A proposal whose payoffs are awaited.

    Args:
        model: The model.
        context: Meta-features in the order of `ArmPosterior.features`, with the intercept.
        chosen: Arm that was drawn.
        baseline: What the rule would have done: its arm, or `skip` where that is not to be had.
        prices: By arm, in payoff units.
        level: Accuracy if nothing is done.
        low: Lower bound of its value, as the gate counts on it.
        expected_baseline: Value of the rule's arm, likewise.
        is_held_out: Scored, never learned from.
        is_open: The gate counts on it.
        payoffs: By arm, as they come, the newest last: one by the word of each set of sources.
    """

    model: str
    context: list[float]
    chosen: str
    baseline: str
    prices: dict[str, float]
    level: float
    low: float
    expected_baseline: float
    is_held_out: bool
    is_open: bool = True
    payoffs: dict[str, list[Payoff]] = field(default_factory=dict)

    def update(self, arm: str, payoff: Payoff) -> None:
        """Take note of a payoff, in place of what the same sources said of it before."""
        others = [one for one in self.payoffs.get(arm, []) if one.sources != payoff.sources]
        self.payoffs[arm] = [*others, payoff][-_MOST_PAYOFFS:]

    def believed(self, arm: str, distrusted: Collection[str]) -> Payoff | None:
        """Return the newest payoff of an arm that rests on nobody who is distrusted; None without any."""
        known = self.payoffs.get(arm, [])
        return next((one for one in reversed(known) if not rests_on(one.sources, distrusted)), None)

    def value(self, arm: str, payoff: Payoff | None, posterior: ArmPosterior, settings: LearnerSettings) -> float:
        """Return the value that an arm had, by its payoff or as it is expected now; doing nothing has the level.

        Args:
            arm: Its name.
            payoff: Measured; None if it was not.
            posterior: Of the family.
            settings: Of the learner.
        """
        if arm not in posterior.baselines:
            return self.level
        if payoff is not None:
            gained = payoff.value
        else:
            gained, _ = posterior.predict_at(np.array(self.context), settings).of(arm)
        return self.level + gained - self.prices.get(arm, 0.0)


@dataclass(slots=True)
class Decisions:
    """Of one family.

    Args:
        pending: By action, the oldest first; those whose payoffs may still come.
        gate: Over the values of all.
        n_held_out: Decisions that were scored and never learned from, with the payoffs of both arms known.
        held_out_gain: Sum over these of what was chosen minus the rule's arm, net of price, in payoff units.
    """

    pending: dict[str, Decision] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    n_held_out: int = 0
    held_out_gain: float = 0.0

    def open(self, action: str, decision: Decision, most: int) -> None:
        """Wait for the payoffs of a decision; of more than `most` the oldest is given up.

        Args:
            action: Its id.
            decision: That was made.
            most: Decisions that may wait, >= 1.
        """
        self.gate.open(decision.low, decision.expected_baseline)
        self.pending[action] = decision
        if len(self.pending) > most:
            self.abandon(next(iter(self.pending)), is_awaited=False)

    def abandon(self, action: str, *, is_awaited: bool) -> None:
        """Let the gate count on a decision no more that came to nothing.

        Args:
            action: Of the decision; one that nobody knows changes nothing.
            is_awaited: Whether payoffs may still come: they teach, but the gate does not count them any more.
        """
        decision = self.pending.get(action)
        if decision is None:
            return
        if decision.is_open:
            self.gate.close(decision.low, decision.expected_baseline)
            decision.is_open = False
        if not is_awaited:
            del self.pending[action]

    def close(
        self, outcome: OutcomeMeasured, posterior: ArmPosterior, distrusted: Collection[str], settings: LearnerSettings
    ) -> tuple[Emit, ...]:
        """Count what a decision came to: its arm's payoff and the rule's, each known or as last predicted.

        A training that failed came to nothing but its price: that is what its arm pays where it fails.

        Args:
            outcome: Of the action.
            posterior: Learns from a failure, unless the decision is held out.
            distrusted: Sources.
            settings: Of the learner.

        Returns:
            Indicators: the value kept against the rule's, and the gain over it on held-out decisions; nothing for an
            action that the gate does not count on.
        """
        decision = self.pending.pop(outcome.action, None)
        if decision is None:
            return ()
        chosen = decision.believed(decision.chosen, distrusted)
        if outcome.state == "failed" and decision.chosen in posterior.baselines:
            if chosen is None:
                chosen = Payoff(0.0, [])
                decision.update(decision.chosen, chosen)
            if not decision.is_held_out:
                posterior.update_failure(decision.chosen, np.array(decision.context), settings)
        if not decision.is_open:
            return ()
        known = chosen, decision.believed(decision.baseline, distrusted)
        own = decision.value(decision.chosen, known[0], posterior, settings)
        rule = decision.value(decision.baseline, known[1], posterior, settings)
        self.gate.close(decision.low, decision.expected_baseline)
        key = key_of([source for one in known if one is not None for source in one.sources])
        self.gate.update(key, own, rule, settings.n_sources)
        all_own, all_rule = self.gate.totals()
        emits = [_indicator(decision.model, "kept_value_ratio", all_own / all_rule, 1)] if all_rule else []
        if decision.is_held_out and known[1] is not None:
            self.n_held_out, self.held_out_gain = self.n_held_out + 1, self.held_out_gain + own - rule
            gain = self.held_out_gain / self.n_held_out
            emits.append(_indicator(decision.model, "held_out_gain_over_baseline", gain, self.n_held_out))
        return tuple(emits)


def _indicator(model: str, name: str, value: float, n: int) -> Emit:
    return Emit(INDICATORS, IndicatorComputed(model=model, name=name, value=value, n=n), model)


def _sum(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]
