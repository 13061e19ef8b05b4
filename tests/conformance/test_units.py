"""One regressor, told of in two units: detector, evaluator and learner say the same, to the digit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.drift_detector.stream import MODEL, Stream, event_of
from tests.unit.meta_learner.driver import FAMILY, LearnerDriver, proposals
from tests.unit.outcome_evaluator.evaluator_driver import PLAN

from homeostat.core import Emit, Fold, Payload
from homeostat.events import (
    ActionApplied,
    ActionProposed,
    CanaryJudged,
    Candidate,
    CandidateEvaluated,
    DriftDetected,
    IndicatorComputed,
    ModelRegistered,
    OutcomeMeasured,
    ProfileUpdated,
    Rollout,
)
from homeostat.events.columns import F8
from homeostat.events.logs import EXPERIENCE
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.outcome_evaluator.fold import OutcomeEvaluator
from homeostat.testing.strategies import labels, models, samples

CONTRACT = ModelRegistered(family="cameras", kind="regressor", champion="v0", hourly_value=1.0)
GRID = 64.0
"""Targets and answers are multiples of 1/64: float32, in which columns are watched, tells them apart in any unit."""

Change = Callable[[np.ndarray[Any, np.dtype[np.float64]]], np.ndarray[Any, np.dtype[np.float64]]]


@dataclass
class Loop:
    """Detector, evaluator and learner of one model, which hear of each other; what is trained is made up.

    Args:
        change: Of every target and every answer.
        is_late: Labels come in events of their own.
    """

    change: Change
    is_late: bool = False
    offset: int = 0
    said: list[tuple[str, Any]] = field(default_factory=list)
    proposed: tuple[str, ActionProposed] | None = None
    driver: LearnerDriver = field(default_factory=LearnerDriver)
    stream: Stream = field(default_factory=lambda: Stream(3, n_features=0, n_rows=20))
    folds: list[tuple[Fold[Any], Any]] = field(
        default_factory=lambda: [(fold, fold.initial(MODEL)) for fold in (DriftDetector(), OutcomeEvaluator())]
    )

    def tell(self, data: Payload) -> None:
        """Fold an event of the timeline in, and what both say of it into the learner."""
        self.offset += 1
        for number, (fold, state) in enumerate(self.folds):
            event = event_of(data, self.offset)
            state, emits = fold.step(state, event)
            self.folds[number] = fold, state
            for ordinal, emit in enumerate(emits):
                self.said.append((fold.name, emit.data))
                if emit.log == EXPERIENCE:
                    story = emit.story or event.emit_identity(ordinal)
                    self._learn(emit, f"{self.offset}.{ordinal}", event.emitter, story)

    def _learn(self, emit: Emit, id_: str, source: str, story: str) -> None:
        emits = self.driver.step(emit.data, id_=id_, source=source, story=story)
        self.said += [("meta_learner", said.data) for said in emits]
        if self.proposed is None and (found := proposals(emits)):
            self.proposed = self.driver.action, found[0]

    def serve(self, off: dict[str, float], champion: str = "v0") -> None:
        """Serve one event of rows: each version is off by a normal distance."""
        truth, rows = 5.0 + self.stream.rng.standard_normal(20), self.stream.samples(0.0, inline=False)
        truth, answers = np.round(truth * GRID) / GRID, []
        for version, size in off.items():
            said = np.round((truth + size * self.stream.rng.standard_normal(20)) * GRID) / GRID
            role: Any = "champion" if version == champion else "canary"
            answers.append(msgspec.structs.replace(rows, version=version, role=role, prediction=self._column(said)))
        label = self._column(truth)
        for answer in answers:
            self.tell(answer if self.is_late else msgspec.structs.replace(answer, label=label))
        if self.is_late:
            late = self.stream.late(rows, msgspec.structs.replace(rows, label=label))
            first, n = late.answers[0], len(late.answers[0].prediction)
            joined = [
                msgspec.structs.replace(first, version=one.version, role=one.role, prediction=one.prediction[:n])
                for one in answers
            ]
            self.tell(msgspec.structs.replace(late, answers=joined))

    def _column(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> bytes:
        return self.change(values).astype(F8).tobytes()

    def roll_out(self, verb: Literal["set", "promote"]) -> None:
        """What was proposed is trained, and served beside the champion; then in its place."""
        assert self.proposed is not None
        action, proposed = self.proposed
        self.tell(
            ActionApplied(
                action=action,
                command="c",
                kind="rollout",
                family=FAMILY,
                model=MODEL,
                rollout_verb=verb,
                rollout=Rollout(
                    action=action,
                    verdict="v",
                    family=FAMILY,
                    model=MODEL,
                    expires_at=0,
                    champion="v0" if verb == "set" else "new",
                    reference="v0",
                    canary="new",
                    weight=0.1,
                    plan=PLAN.model_copy(update={"soak_labels": 100, "horizon_labels": 300, "label_limit": 400}),
                    candidates=(Candidate(arm=proposed.chosen, version="new", artifact="a" * 64),),
                ),
            )
        )


def tell_all(change: Change, *, is_late: bool = False) -> Loop:
    """A quiet time, errors three times as large, and a candidate that brings them back to what they were."""
    loop = Loop(change, is_late=is_late)
    loop.tell(CONTRACT)
    for _ in range(60):
        loop.serve({"v0": 1.0})
    for _ in range(30):
        loop.serve({"v0": 3.0})
    loop.roll_out("set")
    for _ in range(20):
        loop.serve({"v0": 3.0, "new": 1.0})
    loop.roll_out("promote")
    for _ in range(20):
        loop.serve({"v0": 3.0, "new": 1.0}, champion="new")
    return loop


def numbers_of(data: Any) -> Iterator[Any]:
    """Flatten what was said: names, texts and numbers in their order."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield name
            yield from numbers_of(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from numbers_of(value)
    else:
        yield data


def flat(loop: Loop) -> list[Any]:
    """All that was said, but for what is told of the columns as such: the range of a target is in its unit."""
    return [
        part
        for name, data in loop.said
        if not (isinstance(data, IndicatorComputed) and data.name.startswith("seasonal_range."))
        for part in (name, type(data).__name__, *numbers_of(data.model_dump()))
    ]


PLAIN = {is_late: tell_all(lambda values: values, is_late=is_late) for is_late in (False, True)}


@pytest.mark.parametrize("is_late", [False, True])
def test_the_story_has_everything_in_it(is_late: bool) -> None:
    """A drift, its profile, a proposal, a judgement, payoffs with a reward, an outcome."""
    said = [data for _, data in PLAIN[is_late].said]

    for kind in (DriftDetected, ProfileUpdated, ActionProposed, CanaryJudged, CandidateEvaluated, OutcomeMeasured):
        assert any(isinstance(data, kind) for data in said), kind
    assert next(data for data in said if isinstance(data, CanaryJudged)).judgement == "promote"
    assert next(data for data in said if isinstance(data, CandidateEvaluated)).payoff > 0.1
    assert next(data for data in said if isinstance(data, CandidateEvaluated)).reward is not None
    assert any(isinstance(data, IndicatorComputed) and data.name == "error_rate" for data in said)


@pytest.mark.parametrize("is_late", [False, True])
def test_detector_and_evaluator_have_the_same_scale(is_late: bool) -> None:
    """Each learns it for itself, from the same rows."""
    (_, detector), (_, evaluator) = PLAIN[is_late].folds

    assert detector.error_scale == evaluator.error_scale
    assert detector.error_scale.value > 0.0


@settings(max_examples=40, deadline=None)
@given(first=models(), rest=st.lists(st.one_of(models(), samples(), labels()), max_size=30))
def test_whatever_comes_they_have_the_same_scale(first: Payload, rest: list[Payload]) -> None:
    """Rows of any version and role, with labels or without, a model that becomes a classifier and a regressor again."""
    loop = Loop(lambda values: values)

    for data in (first, *rest):
        loop.tell(data)

    (_, detector), (_, evaluator) = loop.folds
    assert detector.error_scale == evaluator.error_scale


@pytest.mark.parametrize("is_late", [False, True])
@settings(max_examples=8, deadline=None)
@given(exponent=st.integers(-30, 30))
def test_in_another_unit_the_same_is_said(is_late: bool, exponent: int) -> None:
    """Powers of two change no bit of a number: every output is equal."""
    assert flat(tell_all(lambda values: values * 2.0**exponent, is_late=is_late)) == flat(PLAIN[is_late])


@pytest.mark.parametrize("is_late", [False, True])
@settings(max_examples=8, deadline=None)
@given(unit=st.sampled_from([1e-9, 1e-3, 0.0254, 1e3, 1e9]) | st.floats(1e-9, 1e9), shift=st.integers(-4096, 4096))
def test_in_any_unit_and_from_any_zero_the_same_is_said(is_late: bool, unit: float, shift: int) -> None:
    """To rounding."""
    found = flat(tell_all(lambda values: (values + shift) * unit, is_late=is_late))

    assert found == [
        pytest.approx(part, rel=1e-5, abs=1e-6) if isinstance(part, float) else part for part in flat(PLAIN[is_late])
    ]
