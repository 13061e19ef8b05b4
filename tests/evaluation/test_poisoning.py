"""Poisoned payoffs through the learner's fold: how far a source can move what is predicted."""

from typing import Literal

import numpy as np
import pytest

from homeostat.core import Identity
from homeostat.events import (
    ActionProposed,
    Arm,
    CandidateEvaluated,
    ClockTicked,
    DriftDetected,
    FamilyRegistered,
    ModelRegistered,
    OutcomeMeasured,
    ProfileUpdated,
    Range,
    SourceDistrusted,
)
from homeostat.services.meta_learner.fold import MetaLearner
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State
from homeostat_lab.evaluation.feeding import Feeder

FAMILY, MODEL = "acme/cameras", "acme/camera-1"
WINDOW = Range(log="homeostat.timeline", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=80)
POISONER, HONEST = "mallory", ("ann", "bob", "cy", "dee", "eve")
N = 100
PAYOFF = 0.2
SETTINGS = LearnerSettings(source_cap=20.0)
"""A cap that 100 decisions can reach."""

Attack = Literal["sign flip", "constant", "scaled"]


class LearnerDriver:
    """A family with one arm and a learner; everything happens in one context."""

    def __init__(self) -> None:
        self.feeder: Feeder[State] = Feeder(MetaLearner(SETTINGS))
        self._n = 0
        family = FamilyRegistered(arms=(Arm(name="warm"),), baseline="warm", wait_labels=40)
        self.feeder.publish(FAMILY, family)
        self.feeder.publish(FAMILY, ModelRegistered(family="cameras", champion="v0", model=MODEL))

    def ask(self) -> tuple[str, float]:
        """Let a drift come; return the action that is proposed and the gain predicted of its arm."""
        self._n += 1
        story = Identity(f"/drift#{self._n}.0")
        drift = DriftDetected(
            model=MODEL, version="v0", kind="concept", detector="adwin", statistic=1.0, threshold=0.5, magnitude=0.2,
            onset=WINDOW,
        )  # fmt: skip
        self.feeder.publish(FAMILY, drift, story=story)
        profile = ProfileUpdated(
            model=MODEL, version="v0", meta_features={"shift": 1.0}, labels_since_onset=40, window=WINDOW
        )
        emits = self.feeder.publish(FAMILY, profile, story=story)
        proposed = next(emit.data for emit in emits if isinstance(emit.data, ActionProposed))
        gain = next(arm.predicted_gain for arm in proposed.arms if arm.name == "warm")
        fold = self.feeder.fold
        return f"/homeostat/{fold.name}/{fold.log}/evaluation/0#{self.feeder.position - 1}.0", gain

    def teach(self, source: str, payoff: float | None) -> None:
        """One drift, and what its arm paid by the word of a source; None: nobody says."""
        action, _ = self.ask()
        evaluated = None if payoff is None else CandidateEvaluated(
            action=action, model=MODEL, arm="warm", version="warm-1", payoff=payoff, standard_error=0.01, n_labels=200,
            seconds=1.0, sources=(source,),
        )  # fmt: skip
        self.feeder.publish(FAMILY, evaluated or ClockTicked(due=0))  # the offsets, and so all draws, stay the same
        measured = OutcomeMeasured(
            action=action, kind="retrain", model=MODEL, arm="warm", state="promoted", verdict="gain", gain=0.1,
            gain_low=0.0, gain_high=0.2, cost=0.0, n_labels=200,
        )  # fmt: skip
        self.feeder.publish(FAMILY, measured)


def poisoned(payoff: float, attack: Attack) -> float:
    """What the poisoner says of a payoff."""
    return {"sign flip": -payoff, "constant": -0.5, "scaled": 100.0 * payoff}[attack]


def taught(share: float, attack: Attack | None, *, is_silent: bool = False) -> LearnerDriver:
    """A learner that has heard of 100 decisions, a share of them from the poisoner.

    Args:
        share: In (0, 1).
        attack: None: the poisoner tells the truth.
        is_silent: The poisoner says nothing instead.
    """
    payoffs = (PAYOFF + 0.05 * np.random.default_rng(7).normal(size=N)).tolist()
    is_poisoned = np.zeros(N, np.bool_)
    is_poisoned[np.linspace(0, N - 1, round(share * N)).astype(int)] = True
    driver = LearnerDriver()
    for number, payoff in enumerate(payoffs):
        if not is_poisoned[number]:
            driver.teach(HONEST[number % len(HONEST)], payoff)
        elif is_silent:
            driver.teach(POISONER, None)
        else:
            driver.teach(POISONER, payoff if attack is None else poisoned(payoff, attack))
    return driver


@pytest.mark.parametrize("attack", ["sign flip", "constant", "scaled"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_a_poisoner_moves_a_prediction_no_farther_than_the_caps_allow(share: float, attack: Attack) -> None:
    """Its weight is at most that of its observations and at most the cap; a payoff counts for at most the limit.

    So the shift is at most weight / all weights x (limit + largest honest payoff); of the honest observations four
    fifths are counted, since some decisions are held out. With four in ten payoffs poisoned, the arm that pays is
    still known to pay.
    """
    _, gain = taught(share, attack).ask()
    _, honest = taught(share, None).ask()

    weight = min(share * N, SETTINGS.source_cap)
    others = len(HONEST) * min(0.8 * (1.0 - share) * N / len(HONEST), SETTINGS.source_cap)
    assert honest == pytest.approx(PAYOFF, abs=0.03)
    assert 0.0 < abs(gain - honest) <= weight / (weight + others) * (SETTINGS.payoff_limit + PAYOFF + 0.15)
    assert gain > 0.0


@pytest.mark.parametrize("attack", ["sign flip", "constant", "scaled"])
def test_a_poisoner_that_is_distrusted_has_never_spoken(attack: Attack) -> None:
    """The prediction is that of a learner that heard the others only, to the last bit."""
    driver, clean = taught(0.4, attack), taught(0.4, None, is_silent=True)

    for each in (driver, clean):
        each.feeder.publish(FAMILY, SourceDistrusted(scope="acme", source=POISONER))

    assert driver.ask()[1] == clean.ask()[1]
