"""Settings that one model has of its own come with its registration."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.codec import encode_state
from homeostat.core import Payload
from homeostat.events import DetectorOverrides, DriftDetected, IndicatorComputed, ModelRegistered
from homeostat.events.registration import Watched
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.overrides import Overrides, applied, overrides_of
from homeostat.services.drift_detector.settings import COLUMNS, MEMBERS, Settings


def overriding(**overrides: Any) -> ModelRegistered:
    """A registration that says what the detector shall be like."""
    return registered().model_copy(update={"detector": DetectorOverrides(**overrides)})


def test_a_model_has_the_detectors_it_wishes() -> None:
    """One timeline, found by another detector; the other models of the same fold keep theirs."""
    fold, stream = DriftDetector(), Stream(1, n_labels=50)
    rows: list[Payload] = [*(stream.samples() for _ in range(40)), *(stream.samples(0.6) for _ in range(10))]

    own = of(run([overriding(members=("hddm_a",)), *rows], fold=fold, splits={20, 45})[1], DriftDetected)
    usual = of(run([registered(), *rows], fold=fold)[1], DriftDetected)

    assert own[0][1].detector == "hddm_a"
    assert usual[0][1].detector in ("adwin", "betting", "level")


def test_a_guarantee_is_a_setting_of_a_model() -> None:
    """The event carries the run length that was asked for."""
    stream = Stream(2)
    rows = [*(stream.samples() for _ in range(40)), *(stream.samples(shift=[1.0]) for _ in range(20))]

    (_, found), *_ = of(run([overriding(run_length=1e4), *rows])[1], DriftDetected)

    assert found.guarantee == 1e4


def test_slices_and_thresholds_are_settings_of_a_model() -> None:
    """Its own features are cut by, its own thresholds exceeded."""
    stream = Stream(3)
    contract = overriding(psi_thresholds={"f1": 0.0}, slices=("f0",))

    told = of(run([contract, *(stream.samples() for _ in range(250))])[1], IndicatorComputed)

    names = {one.name for _, one in told}
    assert "psi_exceeded.f1" in names
    assert "psi_exceeded.f2" not in names
    assert "error_rate.f0.other" in names


def test_the_rise_that_hurts_is_a_setting_of_a_model() -> None:
    """From 2 % of errors to 5.5 %: within 1,250 labels where three in a hundred hurt, never where half of them do.

    Change detectors are switched off: only the level check is left. It looks at ever longer windows, as 120 labels
    cannot tell these apart.
    """
    errors = [0.02] * 60 + [0.055] * 25

    def found(**overrides: Any) -> list[int]:
        stream = Stream(9, n_labels=50)
        rows: list[Payload] = [stream.samples(error) for error in errors]
        return [at for at, _ in of(run([overriding(members=(), **overrides), *rows])[1], DriftDetected)]

    assert found() == []
    assert found(rise=0.5) == []
    assert 60 < found(rise=0.02)[0] <= 60 + 25


def test_a_model_whose_errors_do_not_rise_is_quiet_at_a_small_rise() -> None:
    """Eight models of 10,000 labels: what chance moves is no rise, in any window."""
    for seed in range(8):
        stream = Stream(seed, n_labels=50)
        rows: list[Payload] = [stream.samples(0.1) for _ in range(200)]

        assert of(run([overriding(members=(), rise=0.01), *rows])[1], DriftDetected) == []


@pytest.mark.parametrize("rise", [0.0, -0.1, 1.0001, float("nan"), float("inf")])
def test_a_rise_is_a_share(rise: float) -> None:
    """In (0, 1]: anything else is refused at the door."""
    with pytest.raises(ValidationError):
        DetectorOverrides(rise=rise)
    assert applied(Overrides(rise=1.0), Settings()).rise == DetectorOverrides(rise=1.0).rise == 1.0


def test_a_repeated_wish_changes_nothing_and_another_begins_anew() -> None:
    """So a client may register at each start."""
    stream, wish = Stream(4), overriding(columns=("score",))
    timeline: list[Payload] = [wish, *(stream.samples() for _ in range(10))]

    state, _ = run(timeline)
    again, _ = run([*timeline, wish])
    other, _ = run([*timeline, registered()])

    assert encode_state(again) == encode_state(state)
    assert state.monitors.rows is not None
    assert state.monitors.rows.watch.known.size == 4
    assert (other.overrides, other.errors.history.n) == (None, 0)


def test_what_is_not_overridden_is_the_detectors() -> None:
    """Only what is named takes the place of a setting."""
    wishes = overrides_of(DetectorOverrides(is_seasonal=False))

    assert wishes == Overrides(is_seasonal=False)
    assert applied(Overrides(), Settings(window_labels=99)) == Settings(window_labels=99)
    assert applied(Overrides(is_seasonal=False), Settings()) == Settings(is_seasonal=False)


def test_what_there_is_not_cannot_be_wished() -> None:
    """The door knows every detector and column there is."""
    with pytest.raises(ValidationError):
        DetectorOverrides(members=("cusum",))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValidationError):
        DetectorOverrides(run_length=1.0)
    assert Watched.__args__ == (*COLUMNS, "label")  # type: ignore[attr-defined]  # a Literal's
    assert len(MEMBERS) == 8
