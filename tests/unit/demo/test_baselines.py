"""The comparison policies and their score."""

import numpy as np
import pytest

from homeostat_lab.demo.baselines import POLICIES, compare
from homeostat_lab.demo.incidents import HARMFUL
from homeostat_lab.demo.network import draw_weights, install
from homeostat_lab.demo.scoring import PolicyRun, Promotion, gain, score
from homeostat_lab.demo.thresholds import RATE, compare_thresholds, tracked_alerts
from homeostat_lab.demo.world import World


def test_frozen_is_worst_and_free() -> None:
    """On six stations without price any adaptation beats frozen models, and frozen ones cost nothing.

    Seed 0; the gaps of the full run are above 10 points, twice what is asked for here.
    """
    world = World(0, stations=6, events=250)

    results = {result.policy: result for result in compare(world)}

    frozen = results.pop("frozen")
    assert (frozen.retrains, frozen.cost, frozen.harmful_promotions) == (0, 0, 0)
    assert frozen.net == frozen.accuracy
    assert all(result.accuracy > frozen.accuracy + 0.02 for result in results.values())
    assert results["error_rule"].harmful_promotions >= results["error_rule_canary"].harmful_promotions


def test_comparison_repeats() -> None:
    """The same world gives the same table, whatever other policies run beside."""
    world = World(1, stations=2, events=120)

    table = compare(world)

    assert compare(world, POLICIES[3:4]) == table[3:4]


def test_schedule_counts_its_retrains() -> None:
    """Every 30 events on 120 events of 2 stations are 8 retrains at 60 images each."""
    (result,) = compare(World(0, stations=2, events=120), POLICIES[2:3])

    assert (result.retrains, result.cost) == (8, 480)
    assert result.net == pytest.approx(result.accuracy - 480 / (2 * 120 * 50))


def test_score_counts_losses_above_three_points() -> None:
    """A promotion that loses 3 points or gains is not harmful; one that loses more is."""
    world = World(0, stations=1, events=100)
    promotions = tuple(Promotion(0, 10, gain) for gain in (-0.031, -0.03, 0.2))

    result = score(world, PolicyRun("p", np.full((1, 100), 45), 3, promotions))

    assert result.harmful_promotions == 1
    assert result.accuracy == 0.9


def test_time_to_adapt_counts_from_the_onset() -> None:
    """A policy that is back at its level six events after each harmful onset has adapted in six events."""
    world = World(0, stations=6, events=300)
    n_right = np.full((6, 300), 48)
    for station in range(6):
        for incident in world.incidents(station):
            if incident.kind in HARMFUL:
                n_right[station, incident.start : incident.start + 6] = 0

    result = score(world, PolicyRun("p", n_right, 0, ()))

    assert result.time_to_adapt == 6.0


def test_gain_of_a_broken_model_is_a_loss() -> None:
    """Random weights instead of installed ones lose most of the accuracy on the same images."""
    world = World(0, stations=1, events=20)
    history = world.history(0)
    installed = install(history.x, history.y, seed=0)
    following = tuple(world.event(0, index) for index in range(20))

    assert gain(installed, draw_weights(9), following) < -0.6
    assert gain(installed, installed, following) == 0.0


def test_tracked_threshold_trades_misses_for_silence() -> None:
    """Ten times fewer false alerts than the static quantile, at a miss rate that is higher but below one half.

    Seed 0, six cameras; the full run has 25 times or more.
    """
    static, tracked = compare_thresholds(0, stations=6)

    assert tracked.false_per_1000 * 10 < static.false_per_1000
    assert static.miss_rate <= tracked.miss_rate < 0.5


def test_tracked_rate_comes_back_after_a_jump() -> None:
    """Scores that rise for good alert at once, and at the nominal rate in the end (1 %, within a factor of two)."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0.1, 0.01, 8000)
    scores[1000:] += 0.1

    alerts = tracked_alerts(scores)

    assert alerts[808]
    assert 0.5 * RATE < alerts[-4000:].mean() < 2.0 * RATE
