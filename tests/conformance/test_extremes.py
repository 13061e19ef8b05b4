"""Nothing that a door admits breaks a fold behind it: every type, at the largest and smallest values that it admits."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.extreme_ground import ADMITTED_TYPES, SUBJECTS, forms
from tests.conformance.extreme_story import tell
from tests.conformance.extremes import extremes

from homeostat.events import Data, FamilyObserved
from homeostat.events.logs import DOORS
from homeostat.events.routes import ADMITTED


@pytest.mark.parametrize("type_", ADMITTED_TYPES, ids=lambda type_: type_.__name__)
def test_every_number_at_a_door_has_bounds(type_: type[Data]) -> None:
    """A field without them is found here, not by whoever sends the number."""
    assert extremes(type_)


@pytest.mark.parametrize("door", DOORS)
def test_no_field_breaks_a_fold(door: str) -> None:
    """While a canary is served, every field of every type in turn has each of its extreme values."""
    story = tell(Random(0), 0.0, n_rounds=1)

    for type_ in forms(door):
        usual = story.usual(door, type_)
        for changed in ({}, *({name: value} for name, values in extremes(type_).items() for value in values)):
            for subject in SUBJECTS[door]:
                story.try_to_send(door, subject, type_, usual | changed)

    story.check()
    said_of_itself = {FamilyObserved.TYPE}  # by the door of traces
    assert {type_.TYPE for type_ in ADMITTED[door]} == story.admitted(door) - said_of_itself


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), share=st.sampled_from((0.02, 0.1, 0.5)))
def test_no_value_breaks_a_fold(seed: int, share: float) -> None:
    """A whole life of an action, with any admitted values in a share of all that is told."""
    chance = Random(seed)

    story = tell(chance, share)

    story.check()
