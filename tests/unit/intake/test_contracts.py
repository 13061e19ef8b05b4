"""The telemetry door against the model's contract."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from homeostat.codec import encode_state
from homeostat.core import Reject
from homeostat.events import DeploymentObserved, FeatureContract, SignalObserved, SliObserved
from homeostat.events.columns import F4, pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TIMELINE
from homeostat.services.intake.telemetry import TelemetryIntake

Make = Callable[..., Any]


def refusal_of(door: Any, data: Any) -> Reject:
    """Send what must be refused; the state must be as it was."""
    before = encode_state(door.state)
    with pytest.raises(Reject) as refusal:
        door.send(data)
    assert encode_state(door.state) == before
    return refusal.value


def test_registration_reaches_model_family_and_law(knock: Make, model: Make) -> None:
    """The same registration goes to timeline, experience and governance, each under its key, and names the model."""
    emits = knock(TelemetryIntake, "acme/m1").send(model())

    assert [(emit.log, emit.subject) for emit in emits] == [
        (TIMELINE, None),
        (EXPERIENCE, "acme/digits"),
        (GOVERNANCE, "acme"),
    ]
    assert {emit.data.model for emit in emits} == {"acme/m1"}


def test_a_deployment_goes_to_the_law_and_names_its_model(knock: Make, model: Make) -> None:
    """The governor says whether it counts, and then for everybody; a claim to have been noticed is none."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    emits = door.send(DeploymentObserved(version="v2", is_noticed=True))

    assert [(emit.log, emit.subject) for emit in emits] == [(GOVERNANCE, "acme")]
    assert (emits[0].data.model, emits[0].data.is_noticed) == ("acme/m1", False)


def test_a_flood_of_deployments_is_refused_and_one_of_repetitions_is_dropped(knock: Make, model: Make) -> None:
    """Sixty changes an hour are followed, whatever is repeated between them; an hour later the next ones are."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())
    door.send(DeploymentObserved(version="v0"))

    repeated = [door.send(DeploymentObserved(version="v0")) for _ in range(200)]
    followed = [door.send(DeploymentObserved(version=f"v{n % 2 + 1}")) for n in range(59)]
    with pytest.raises(Reject, match="deployment_rate"):
        door.send(DeploymentObserved(version="v2"))
    door.now += 3_600_000

    assert sum(map(len, repeated)) == 60
    assert all(followed)
    assert door.send(DeploymentObserved(version="v2"))


@pytest.mark.parametrize(
    "data",
    [
        SliObserved(name="p95", layer="latency", value=1, window_seconds=60),
        SignalObserved(layer="edge", name="temperature", value=40, attributes={"site": "north"}),
    ],
)
def test_signals_reach_the_timeline(knock: Make, model: Make, data: Any) -> None:
    """Indicators and signals of the layers are history of the model."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    (emit,) = door.send(data)

    assert (emit.log, emit.subject) == (TIMELINE, None)


def test_samples_pass_unchanged_but_for_provenance(knock: Make, model: Make, samples: Make) -> None:
    """Admission adds where the samples came from, and nothing else."""
    door, sent = knock(TelemetryIntake, "acme/m1"), samples(captured=[1], inputs=pack([1, 2, 3], F4))
    door.send(model())

    (emit,) = door.send(sent)

    assert (emit.log, emit.subject) == (TIMELINE, None)
    assert emit.data.provenance.scope == "acme"
    assert (emit.data.values, emit.data.inputs, emit.data.request) == (sent.values, sent.inputs, sent.request)


def test_unregistered_model_is_refused(knock: Make, samples: Make, labels: Make) -> None:
    """Before the registration nothing is admitted, and the refusal says what to do."""
    door = knock(TelemetryIntake, "acme/m1")

    for data in (samples(), labels({"r": 1.0}), DeploymentObserved(version="v2")):
        refusal = refusal_of(door, data)

        assert refusal.reason == "model_unregistered"
        assert "model.registered first" in refusal.detail


@pytest.mark.parametrize(
    ("features", "reason", "said"),
    [
        ({"age": [1, 1], "size": [1, 1]}, "feature_unknown", "feature size is not in the contract: age, mood"),
        ({"age": [1, 11]}, "out_of_range", "feature age, row 1: must be in [0, 10]; 1 values are not"),
        ({"mood": [-2, -3]}, "out_of_range", "feature mood, row 0: must be in [-1, 1]; 2 values are not"),
        ({"age": [1, np.inf]}, "out_of_range", "feature age, row 1"),
    ],
)
def test_samples_outside_the_contract_are_refused(
    knock: Make, model: Make, samples: Make, features: dict[str, list[float]], reason: str, said: str
) -> None:
    """The refusal names feature, row and limits."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    refusal = refusal_of(door, samples(features=features))

    assert refusal.reason == reason
    assert said in refusal.detail


def test_value_at_its_limit_is_inside(knock: Make, model: Make, samples: Make) -> None:
    """Limits are rounded to float32 as the values were; NaN is a missing value, not one out of range."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(features=(FeatureContract(name="x", low=0.1, high=0.7), FeatureContract(name="y", high=1e30))))

    assert door.send(samples(features={"y": [1e30, -1e30], "x": [0.1, 0.7]}))
    assert door.send(samples(features={"x": [np.nan, 0.5]}))


@pytest.mark.parametrize("features", [{"mood": [0, 0]}, {"age": [np.nan, np.nan]}, {"age": [1, np.nan]}])
def test_missing_required_feature_is_refused(
    knock: Make, model: Make, samples: Make, features: dict[str, list[float]]
) -> None:
    """Neither the column nor a row of it may be missing."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(features=(FeatureContract(name="age", required=True), FeatureContract(name="mood"))))

    refusal = refusal_of(door, samples(features=features))

    assert refusal.reason == "feature_missing"
    assert "age" in refusal.detail
    assert door.send(samples(features={"age": [1, 1]}))


def test_contract_without_features_admits_any_finite_one(knock: Make, model: Make, samples: Make) -> None:
    """No list, no limits; but infinite is never a value."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(features=()))

    assert door.send(samples(features={"whatever": [3e38, np.nan]}))
    assert door.send(samples(features={}))
    refusal = refusal_of(door, samples(features={"whatever": [1, -np.inf]}))
    assert (refusal.reason, "must be finite" in refusal.detail) == ("out_of_range", True)


@pytest.mark.parametrize("column", ["score", "label", "latency_seconds"])
def test_infinite_columns_are_refused(knock: Make, model: Make, samples: Make, column: str) -> None:
    """Score, label and latency may be missing, never infinite."""
    door, value = knock(TelemetryIntake, "acme/m1"), [1.0, np.inf]
    door.send(model())

    refusal = refusal_of(door, samples(**{column: value if column == "label" else pack(value)}))

    assert refusal.reason == "out_of_range"


def test_personal_feature_is_refused(knock: Make, model: Make, samples: Make) -> None:
    """Personal data never enters; the refusal names the feature."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(personal_features=("email",)))

    refusal = refusal_of(door, samples(features={"age": [1, 1], "email": [1, 2]}))

    assert refusal.reason == "personal_data"
    assert "email" in refusal.detail


def test_personal_feature_is_redacted(knock: Make, model: Make, samples: Make) -> None:
    """Where the contract says so, the column is dropped and counted, and the rest goes on."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(personal_features=("email",), on_personal="redact"))

    (emit,) = door.send(samples(features={"age": [1, 2], "email": [7, 8], "mood": [0, 1]}))

    assert emit.data.features == ["age", "mood"]
    assert emit.data.matrix().tolist() == [[1, 2], [0, 1]]
    assert door.fold.counts.get("redacted", 0) == 2


def test_personal_attribute_of_a_signal_follows_the_contract(knock: Make, model: Make) -> None:
    """Signals carry no personal data either."""
    signal = SignalObserved(layer="edge", name="t", value=1, attributes={"email": "x", "site": "north"})
    strict, mild = knock(TelemetryIntake, "acme/m1"), knock(TelemetryIntake, "acme/m1")
    strict.send(model(personal_features=("email",)))
    mild.send(model(personal_features=("email",), on_personal="redact"))

    (emit,) = mild.send(signal)

    assert emit.data.attributes == {"site": "north"}
    assert mild.fold.counts.get("redacted", 0) == 1
    assert refusal_of(strict, signal).reason == "personal_data"


@pytest.mark.parametrize(
    ("width", "inputs"),
    [(3, [1.0, 2.0]), (3, []), (0, [1.0, 2.0, 3.0]), (3, [1.0, 2.0, np.inf]), (3, [1.0, 2.0, np.nan])],
)
def test_inputs_of_another_width_are_refused(
    knock: Make, model: Make, samples: Make, width: int, inputs: list[float]
) -> None:
    """A captured row has the registered width, and finite numbers: models are trained on it."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(input_width=width))

    refusal = refusal_of(door, samples(captured=[0], inputs=pack(inputs, F4)))

    assert refusal.reason == "inputs_invalid"


@pytest.mark.parametrize("request_id", ["", "x" * 129])
def test_request_id_has_a_bounded_length(knock: Make, model: Make, samples: Make, request_id: str) -> None:
    """The join keeps the ids in memory, so they have a limit."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    assert refusal_of(door, samples(["ok", request_id])).reason == "payload_invalid"


def test_registering_again_updates_the_contract(knock: Make, model: Make, samples: Make) -> None:
    """The last registration holds from the next event on."""
    door, warm = knock(TelemetryIntake, "acme/m1"), samples(features={"age": [20, 20]})
    door.send(model())
    assert refusal_of(door, warm).reason == "out_of_range"

    door.send(model(features=(FeatureContract(name="age", high=30),)))

    assert door.send(warm)


def test_features_may_change_their_order(knock: Make, model: Make, samples: Make) -> None:
    """Limits follow the names, not the place of the columns."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    assert door.send(samples(features={"age": [5, 5], "mood": [0, 0]}))
    assert door.send(samples(features={"mood": [0, 0], "age": [5, 5]}))
    assert refusal_of(door, samples(features={"mood": [5, 5], "age": [0, 0]})).reason == "out_of_range"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "acme/m2"}, "subject_mismatch"),
        ({"family": "letters"}, "family_changed"),
        ({"features": (FeatureContract(name="x"), FeatureContract(name="x"))}, "contract_invalid"),
        ({"features": (FeatureContract(name="x", low=2, high=1),)}, "contract_invalid"),
        ({"features": (FeatureContract(name="x", required=True),), "personal_features": ("x",)}, "contract_invalid"),
    ],
)
def test_contradictory_registration_is_refused(knock: Make, model: Make, changes: dict[str, Any], reason: str) -> None:
    """A contract that cannot be kept, or moves a model, leaves the old one in force."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())

    assert refusal_of(door, model(**changes)).reason == reason
