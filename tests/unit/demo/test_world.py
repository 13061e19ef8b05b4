"""The world: deterministic, lazy, and what it induces hurts a real model as much as it should."""

from itertools import pairwise

import numpy as np
import pytest

from homeostat_lab.demo.camera import Optics, Pose, capture, operator, standardise
from homeostat_lab.demo.digits import digits, split
from homeostat_lab.demo.incidents import Kind
from homeostat_lab.demo.network import install, predict
from homeostat_lab.demo.world import EVENTS_PER_CYCLE, N_AUDITED, StationEvent, World


def same(one: StationEvent, other: StationEvent) -> bool:
    names = ("served", "served_truth", "audited", "audited_label", "audited_truth")
    return one.incident == other.incident and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_split_has_no_overlap(seed: int) -> None:
    """The three pools of a seed hold each of the 1,797 digits once."""
    pools = split(seed)

    sizes = (len(pools.history), len(pools.audit), len(pools.traffic))

    together = np.concatenate((pools.history.x, pools.audit.x, pools.traffic.x))
    assert sizes == (800, 600, 397)
    assert np.array_equal(np.sort(together.sum(axis=1)), np.sort(digits().x.sum(axis=1)))


def test_event_does_not_depend_on_what_was_drawn_before() -> None:
    """Iterating a world and asking another for single events in reverse order give the same."""
    forward = [event for events in World(3, stations=3, events=90) for event in events]

    other = World(3, stations=3, events=90)
    backward = [other.event(event.station, event.index) for event in reversed(forward)]

    assert all(same(one, two) for one, two in zip(forward, reversed(backward), strict=True))


def test_seed_changes_world() -> None:
    """Two seeds share no picture."""
    assert not np.array_equal(World(0).event(0, 0).served, World(1).event(0, 0).served)


def test_event_has_the_promised_shapes() -> None:
    """Fifty served and ten audited images of 64 standardised float32 pixels, three raw features for each of them."""
    event = World(0).event(5, 17)

    assert event.served.shape == (50, 64)
    assert event.audited.shape == (10, 64)
    assert event.served.dtype == event.audited.dtype == np.float32
    assert {name: values.shape for name, values in event.features.items()} == {
        "brightness": (60,),
        "contrast": (60,),
        "min_row_std": (60,),
    }
    assert np.allclose(event.served.mean(axis=1), 0.0, atol=1e-5)
    assert np.allclose(event.served.std(axis=1), 1.0, atol=1e-3)


def test_event_outside_the_run_is_refused() -> None:
    """An index past the end raises IndexError instead of wrapping around."""
    world = World(0, stations=2, events=10)

    for station, index in ((2, 0), (0, 10), (-1, 0), (0, -1)):
        with pytest.raises(IndexError):
            world.event(station, index)


def test_audit_cycle_uses_every_image_once() -> None:
    """Sixty events audit the 600 images of the pool once each: the digits of a cycle are those of the pool."""
    world = World(2, stations=1, events=EVENTS_PER_CYCLE)

    quiet = [world.event(0, index) for index in range(world.incidents(0)[0].start if world.incidents(0) else 60)]
    counts = np.bincount(np.concatenate([event.audited_truth for event in quiet]), minlength=10)

    assert len(quiet) * N_AUDITED == counts.sum()
    assert np.all(counts <= np.bincount(split(2).audit.y, minlength=10))


def test_glitch_touches_audit_labels_only() -> None:
    """Labels differ from the truth during glitches, for about 80 %, and never otherwise."""
    world = World(0, events=300)

    shares: dict[bool, list[float]] = {True: [], False: []}
    for station in range(world.stations):
        for index in range(0, world.events, 3):
            event = world.event(station, index)
            share = float(np.mean(event.audited_label != event.audited_truth))
            shares[event.incident is Kind.GLITCH].append(share)

    assert max(shares[False]) == 0.0
    assert 0.7 < np.mean(shares[True]) < 0.9


def test_dead_rows_show_in_the_raw_feature() -> None:
    """During an outage the flattest row has no spread at all; otherwise sensor noise keeps it above 0."""
    world = World(0)
    station, outage = next(
        (station, incident)
        for station in range(world.stations)
        for incident in world.incidents(station)
        if incident.kind is Kind.OUTAGE
    )

    before = world.event(station, outage.start - 1).features["min_row_std"]
    during = world.event(station, outage.start).features["min_row_std"]

    assert during.max() == 0.0
    assert before.min() > 0.0


def test_lamp_is_invisible_to_the_model() -> None:
    """Without sensor noise, gain and offset change nothing in the standardised picture (1e-4 absolute, float32)."""
    pose, x = Pose(30.0, 0.2, -0.1, 1.0, False), digits().x[:20]
    plain, lit = (
        standardise(capture(x, operator(pose), Optics(gain, offset, 0.0, False), np.random.default_rng(0)))
        for gain, offset in ((1.0, 0.0), (1.8, -0.3))
    )

    assert np.allclose(plain, lit, atol=1e-4)


def test_straight_camera_sees_the_paper() -> None:
    """The operator of the neutral pose is the identity, that of a mirrored one reverses each row."""
    image = digits().x[:1]

    mirrored = (image @ operator(Pose(0.0, 0.0, 0.0, 1.0, True))).reshape(8, 8)

    assert np.allclose(operator(Pose(0.0, 0.0, 0.0, 1.0, False)), np.eye(64))
    assert np.allclose(mirrored, image.reshape(8, 8)[:, ::-1])


def test_run_has_about_ninety_incidents() -> None:
    """Over five seeds 24 x 400 events hold 80 to 105 incidents each, and those that heal end before the next."""
    for seed in range(5):
        world = World(seed)
        plans = [world.incidents(station) for station in range(world.stations)]

        assert 80 <= sum(map(len, plans)) <= 105
        for plan in plans:
            assert all((a.end or a.start) <= b.start for a, b in pairwise(plan))


def test_incidents_hurt_as_measured() -> None:
    """Installed models: 95 % before any incident, below 75 % after a bump, a lamp costs under 6 points.

    Seed 0, traffic of the 24 stations; the margins are several standard errors wide. A replan of two bins moves a fifth
    of the answers, so it must cost 10 points.
    """
    world = World(0)
    accuracy: dict[Kind | None, list[float]] = {}
    for station in range(world.stations):
        history = world.history(station)
        weights = install(history.x, history.y, seed=0)
        first = world.incidents(station)[0]
        for index in (*range(0, first.start, 10), *range(first.start, first.start + 6)):
            event = world.event(station, index)
            right = float(np.mean(predict(weights, event.served)[0] == event.served_truth))
            accuracy.setdefault(event.incident, []).append(right)
    mean = {kind: float(np.mean(values)) for kind, values in accuracy.items()}

    assert 0.93 < mean[None] < 0.98
    assert mean[Kind.BUMP] < 0.75
    assert mean[Kind.REPLAN] < mean[None] - 0.10
    assert mean[Kind.LAMP] > mean[None] - 0.06


@pytest.mark.parametrize("is_held_out", [False, True])
def test_tasks_are_deterministic_and_balanced(is_held_out: bool) -> None:
    """Tasks repeat with their seed, have 150 + 150 images and ten or more of each class on both sides."""
    world = World(0)

    once, again = (list(world.tasks(3, seed=5, is_held_out=is_held_out)) for _ in range(2))

    for one, two in zip(once, again, strict=True):
        assert np.array_equal(one.support_x, two.support_x)
        assert one.support_x.shape == one.query_x.shape == (150, 64)
        assert min(np.bincount(one.support_y, minlength=10)) >= 10
        assert min(np.bincount(one.query_y, minlength=10)) >= 10
