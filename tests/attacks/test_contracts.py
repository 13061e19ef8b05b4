"""Contracts hold: what cannot be of a model is refused with its reason, what nobody declared is learned and said."""

from typing import Any

import numpy as np
import pytest
from tests.attacks.doors import Doors

from homeostat.events import (
    Answer,
    DeploymentObserved,
    DriftDetected,
    FeatureContract,
    IndicatorComputed,
    Labels,
    ModelRegistered,
    Samples,
)
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, TIMELINE

MODEL = "shop/a"
FEATURES = (FeatureContract(name="price", low=0.0, high=100.0), FeatureContract(name="age"))


def registered(**changes: Any) -> ModelRegistered:
    return ModelRegistered(
        **{"family": "f", "champion": "v1", "features": FEATURES, "classes": ("no", "yes")} | changes
    )


def rows(
    n: int = 1,
    *,
    version: str = "v1",
    role: Role = "champion",
    prediction: float = 1.0,
    score: float = np.nan,
    label: float | None = None,
    features: dict[str, Any] | None = None,
    stem: str = "r",
    **more: Any,
) -> Samples:
    columns = {"price": 5.0} if features is None else features
    return Samples(
        version=version,
        role=role,
        request=[f"{stem}{i}" for i in range(n)],
        time=pack([100.0] * n),
        features=list(columns),
        values=b"".join(pack(np.broadcast_to(np.asarray(column, F4), n), F4) for column in columns.values()),
        prediction=pack([prediction] * n),
        score=pack([score] * n),
        label=b"" if label is None else pack([label] * n),
        **more,
    )


def reasons(doors: Doors) -> list[str]:
    return [refusal.reason for refusal in doors.refusals()]


@pytest.mark.parametrize("value", [77.0, 2.0, -1.0, 0.5, 1e30])
def test_a_class_that_was_not_registered_is_refused(value: float) -> None:
    """Threat: class 77 of a two-class model is learned from as an error of the model. Neither as a prediction, nor as a
    label, nor in an answer that labels bring is it admitted; the refusal says which row and how many classes there are.
    """
    doors, at = Doors(), pack([200.0])
    doors.send(MODEL, registered(), rows())
    doors.send(MODEL, rows(prediction=value), rows(label=value))
    doors.send(MODEL, Labels(request=["r0"], label=pack([value]), time=at))
    own = Answer("v1", "champion", pack([value]), pack([np.nan]))
    doors.send(MODEL, Labels(request=["q"], label=pack([1.0]), time=at, answers=[own]))

    assert reasons(doors) == ["class_unknown"] * 4
    assert all("row 0" in refusal.detail and "2 classes" in refusal.detail for refusal in doors.refusals())


def test_known_classes_and_missing_labels_pass() -> None:
    """Every index of a class, and no label yet."""
    doors = Doors()
    doors.send(MODEL, registered(), rows(prediction=0.0), rows(label=np.nan, stem="s"), rows(label=0.0, stem="t"))
    doors.send("shop/any", registered(classes=()), rows(prediction=77.0))
    doors.send("shop/number", registered(kind="regressor"), rows(prediction=77.7))

    assert reasons(doors) == []


@pytest.mark.parametrize("score", [-0.1, 1.1, 3.0, -1e30])
def test_a_score_outside_its_range_is_refused(score: float) -> None:
    """Threat: a score of 3 moves the uncertainty that thresholds and detector watch. A probability is in [0, 1]; where
    scores are something else the registration says their range.
    """
    doors = Doors()
    doors.send(MODEL, registered(), rows(score=score))
    doors.send("shop/logit", registered(score_low=-1e30, score_high=5.0), rows(score=score), rows(score=5.1, stem="s"))
    doors.send("shop/number", registered(kind="regressor"), rows(score=score))

    assert reasons(doors) == ["out_of_range", "out_of_range"]
    assert all("score, row 0" in refusal.detail for refusal in doors.refusals())


@pytest.mark.parametrize("score", [0.0, 1.0, 1.0000001, np.nan])
def test_a_probability_passes_with_its_rounding(score: float) -> None:
    """What float32 makes of a sum of probabilities is none beyond 1."""
    doors = Doors()
    doors.send(MODEL, registered(), rows(score=score))

    assert reasons(doors) == []


def test_a_champion_that_nobody_announced_is_told_once() -> None:
    """Threat: samples of a version that nobody registered, deployed or tried pass for its own. They are admitted, as
    a rollout may have been done elsewhere, and said.
    """
    doors = Doors()
    doors.send(MODEL, registered(), rows(version="v9"), rows(version="v9", stem="s"))

    told = [e.data for e in doors.events(INDICATORS, of=IndicatorComputed) if e.data.name == "version_unannounced"]

    assert [(one.model, one.version) for one in told] == [(MODEL, "v9")]


@pytest.mark.parametrize(
    "before",
    [
        DeploymentObserved(version="v9"),
        registered(champion="v9"),
        rows(version="v9", role="canary"),
        rows(version="v9", role="shadow"),
    ],
)
def test_an_announced_version_is_no_surprise(before: Any) -> None:
    """Deployed, registered, or seen as a candidate."""
    doors = Doors()
    doors.send(MODEL, registered(), before, rows(version="v9", stem="s"), rows(stem="t"))

    assert not [e for e in doors.events(INDICATORS, of=IndicatorComputed) if e.data.name == "version_unannounced"]


def test_a_flood_of_versions_does_not_make_strangers_of_those_that_serve() -> None:
    """Threat: a thousand candidates push the champion out of what is remembered, and each of its rows is told."""
    doors = Doors()
    doors.send(MODEL, registered(), DeploymentObserved(version="v2"))
    for n in range(300):
        doors.send(MODEL, rows(version=f"c{n}", role="shadow", stem=f"s{n}."), rows(version="v2", stem=f"r{n}."))

    assert not [e for e in doors.events(INDICATORS, of=IndicatorComputed) if e.data.name == "version_unannounced"]


def test_a_contract_that_lists_its_versions_takes_no_other() -> None:
    """Names, beginnings, the champion, what was deployed; whatever role the others claim."""
    doors = Doors()
    doors.send(MODEL, registered(versions=("v2", "exp-*")))
    doors.send(MODEL, *(rows(version=version, stem=version) for version in ("v1", "v2", "exp-7")))
    doors.send(MODEL, rows(version="v9"), rows(version="v22", role="canary"), rows(version="exp", role="shadow"))
    own = Answer("v9", "champion", pack([1.0]), pack([np.nan]))
    doors.send(MODEL, Labels(request=["q"], label=pack([1.0]), time=pack([200.0]), answers=[own]))
    doors.send(MODEL, DeploymentObserved(version="v9"), rows(version="v9", stem="after"))

    assert reasons(doors) == ["version_unknown"] * 4


def test_a_change_of_contract_is_numbered() -> None:
    """The first is 1, the same again keeps its number, a change gets the next one; law about the model is no change."""
    doors = Doors()
    doors.send(MODEL, registered(), registered(), registered(owner="me"), registered(classes=("a", "b", "c")))

    numbers = [event.data.contract_version for event in doors.events(TIMELINE, of=ModelRegistered)]

    assert numbers == [1, 1, 1, 2]


def test_a_number_stands_for_one_contract() -> None:
    """Threat: two clients with two contracts overwrite each other's in turn, and nobody sees it."""
    doors = Doors()
    doors.send(MODEL, registered(contract_version=3))
    doors.send(MODEL, registered(contract_version=3, classes=("a", "b", "c")))
    doors.send(MODEL, registered(contract_version=2), registered(contract_version=3), registered(contract_version=4))

    assert reasons(doors) == ["contract_changed", "contract_outdated"]
    assert "classes" in doors.refusals()[0].detail


def test_rows_may_name_the_contract_that_they_were_written_for() -> None:
    """Threat: rows of a client that knows an older contract are read by the newer one."""
    doors = Doors()
    doors.send(MODEL, registered(), rows(contract=1), registered(input_width=2))
    doors.send(MODEL, rows(contract=1, stem="s"), rows(contract=2, stem="t"), rows(stem="u"))

    assert reasons(doors) == ["contract_mismatch"]
    assert "contract 1, and 2 holds" in doors.refusals()[0].detail


def test_features_that_nobody_declared_are_learned_and_said() -> None:
    """Threat: a registration without features watches nothing and says nothing. Timeline, family and law get it with
    the names of the first rows; what is sent besides is refused from then on.
    """
    doors = Doors()
    doors.send(MODEL, registered(features=()), rows(60, features={"a": 1.0}), rows(60, features={"b": 1.0}, stem="s"))
    doors.send(MODEL, rows(features={"a": 1.0, "b": 2.0}, stem="t"), rows(features={"zzz": 1.0}, stem="u"))

    for log in (TIMELINE, EXPERIENCE, GOVERNANCE):
        said = [event.data for event in doors.events(log, of=ModelRegistered)][-1]
        assert [feature.name for feature in said.features] == ["a", "b"]
        assert (said.learned_rows, said.contract_version) == (120, 1)
    assert reasons(doors) == ["feature_unknown"]
    assert "learned from the first 120 rows" in doors.refusals()[0].detail


def test_what_was_learned_outlives_a_repeated_registration() -> None:
    """A client registers at each start. A registration with features, or a higher number, ends it."""
    doors = Doors()
    doors.send(MODEL, registered(features=()), rows(100, features={"a": 1.0}))
    doors.send(MODEL, registered(features=()), rows(features={"zzz": 1.0}, stem="s"))
    assert reasons(doors) == ["feature_unknown"]

    doors.send(MODEL, registered(features=(), contract_version=2), rows(features={"zzz": 1.0}, stem="t"))
    doors.send(MODEL, registered(), rows(stem="u"))

    said = [event.data for event in doors.events(TIMELINE, of=ModelRegistered)]
    assert [(one.contract_version, len(one.features)) for one in said] == [(1, 0), (1, 1), (1, 1), (2, 0), (3, 2)]
    assert reasons(doors) == ["feature_unknown"]


def test_personal_columns_are_not_learned() -> None:
    """What is dropped is no feature of the model."""
    doors = Doors()
    doors.send(MODEL, registered(features=(), personal_features=("email",), on_personal="redact"))
    doors.send(MODEL, rows(100, features={"a": 1.0, "email": 2.0}), rows(features={"email": 1.0, "a": 1.0}, stem="s"))

    said = [event.data for event in doors.events(TIMELINE, of=ModelRegistered)][-1]

    assert [feature.name for feature in said.features] == ["a"]
    assert reasons(doors) == []


def test_nobody_says_from_outside_what_was_learned() -> None:
    """Threat: a registration that pretends to be intake's."""
    doors = Doors()
    doors.send(MODEL, registered(learned_rows=5))

    assert reasons(doors) == ["contract_invalid"]


def test_a_stranger_cannot_have_names_without_end_learned() -> None:
    """Threat: ever new names of features fill the contract, and with it the memory of all who read it."""
    doors = Doors()
    doors.send(MODEL, registered(features=()))
    for turn in range(3):
        doors.send(MODEL, rows(stem=f"t{turn}.", features={f"x{turn}.{i}": 1.0 for i in range(400)}))

    assert reasons(doors) == ["feature_unknown"]


def test_a_shift_of_an_undeclared_feature_is_found() -> None:
    """Threat: the README's registration names no features, and a shift of ten deviations passes in silence."""
    doors, chance = Doors(), np.random.default_rng(7)
    doors.send(MODEL, registered(features=()))
    for turn in range(60):
        shift = 10.0 if turn >= 40 else 0.0
        doors.send(MODEL, rows(100, stem=f"{turn}.", features={"x": chance.normal(shift, 1.0, 100)}))

    drifts = [event.data for event in doors.events(EXPERIENCE, of=DriftDetected)]

    assert [drift.kind for drift in drifts] == ["data"]
    blind = [e.data for e in doors.events(INDICATORS, of=IndicatorComputed) if e.data.name == "is_blind"]
    assert not blind or not blind[-1].value
