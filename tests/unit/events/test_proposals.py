"""A proposal is of a kind, and has what an action of the kind needs, wherever it is read."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.governor.driver import MODEL, OF_KIND, proposal

from homeostat.codec import encode_payload
from homeostat.events import (
    MODELS,
    ActionProposed,
    ActionRequested,
    Arm,
    Data,
    MetaTrainingProposed,
    RetrainProposed,
    RolloutProposed,
    ThresholdProposed,
)

CLASSES: dict[str, type[ActionProposed]] = {
    "retrain": RetrainProposed,
    "rollout": RolloutProposed,
    "threshold": ThresholdProposed,
    "meta_training": MetaTrainingProposed,
}


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("type_", [ActionProposed.TYPE, ActionRequested.TYPE])
def test_it_is_read_as_its_kind(type_: str, kind: str) -> None:
    """From a log or by hand; what it says stays the same, byte for byte."""
    asked = proposal(kind)
    value, _ = encode_payload(asked)

    read: Data = MODELS[type_].model_validate_json(value)

    assert type(asked) is CLASSES[kind]
    assert (read.TYPE, encode_payload(read)[0]) == (type_, value)
    assert isinstance(read, CLASSES[kind])


@pytest.mark.parametrize("kind", CLASSES)
def test_a_request_says_as_a_proposal_what_it_has_said(kind: str) -> None:
    """Without how long its signature counts."""
    asked = ActionRequested.model_validate(dict(proposal(kind)) | {"valid_until": 7})

    assert isinstance(asked, ActionRequested)
    assert asked.plain() == proposal(kind)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("retrain", {"model": None}, "model"),
        ("retrain", {"window": None}, "window"),
        ("retrain", {"chosen": "nothing"}, "chosen: none of the arms"),
        ("retrain", {"arms": (Arm(name="warm"), Arm(name="warm"))}, "arms: two of one name"),
        ("retrain", OF_KIND["threshold"], "band"),
        ("threshold", {"band": None}, "band"),
        ("threshold", {"model": None}, "model"),
        ("meta_training", {"meta_training": None}, "meta_training"),
        ("meta_training", {"model": MODEL}, "model"),
        ("rollout", {"candidates": ()}, "candidates"),
        ("rollout", {"chosen": "head"}, "chosen: no arm of the candidates"),
    ],
)
def test_what_its_kind_needs_is_there(kind: str, changes: dict[str, Any], words: str) -> None:
    """A person may send any form: it is refused where it is said, in words that name the field."""
    with pytest.raises(ValidationError, match=words):
        proposal(**({"kind": kind} | changes))


@pytest.mark.parametrize("kind", [{}, {"kind": "reboot"}])
def test_a_kind_must_be_said(kind: dict[str, str]) -> None:
    """On the wire nothing is assumed."""
    fields = json.loads(encode_payload(proposal())[0])
    del fields["kind"]

    with pytest.raises(ValidationError, match="kind"):
        ActionProposed.model_validate(fields | kind)


def test_what_is_of_no_kind_cannot_be_made() -> None:
    """It would match none."""
    with pytest.raises(TypeError, match="abstract"):
        ActionProposed(**dict(proposal()))  # type: ignore[abstract]
