"""A short history of everything, in which one field is given an extreme value."""

from collections.abc import Sequence
from random import Random
from typing import Any

from pydantic import ValidationError
from tests.conformance.extreme_ground import (
    ADMINS,
    DIGEST,
    FAMILY,
    FITTING,
    FOLDS,
    HAND,
    KEY,
    MODEL,
    NO_ANSWERS,
    OPEN,
    OWN_ANSWERS,
    ROOT,
    SUBJECTS,
    forms,
)
from tests.conformance.extremes import extremes

from homeostat.admission.tasks import ARRAYS
from homeostat.audit.keys import Key
from homeostat.audit.roles import SERVICE_ROLES
from homeostat.client.event_builder import EventBuilder
from homeostat.codec import decode_event, encode_payload
from homeostat.core import Event
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionRequested,
    AdviceRequested,
    Arm,
    Band,
    BillReceived,
    BudgetSet,
    CandidateTrained,
    Data,
    EpisodeRecorded,
    EventRefused,
    FamilyRegistered,
    FeatureContract,
    LabelsObserved,
    MetaTrainingRequested,
    ModelRegistered,
    Option,
    Request,
    RetrainStart,
    Rollout,
    RulesSet,
    SamplesObserved,
    SignalObserved,
    SliObserved,
)
from homeostat.events.columns import Role
from homeostat.events.logs import (
    DOORS,
    EXPERIENCE,
    GOVERNANCE,
    POLICIES,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    TASKS,
    TELEMETRY,
    TIMELINE,
    TRACES,
)
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.testing.enrolled import registration
from homeostat.testing.stored import restored
from homeostat_tools.cli.folds import fold_of


class Story:
    """Every fold on one log in memory: a model drifts, is trained anew, rolled out, measured and billed.

    Args:
        chance: Makes the choices.
        share: Of the choices that are free; all others take the usual value, which is the first.
    """

    def __init__(self, chance: Random, share: float) -> None:
        self.log, self.chance, self.share = MemoryLog(partitions=1), chance, share
        self.loop = MemoryLoop(self.log, [fold_of(name) for name in FOLDS])
        self.builder, self.n_requests, self.action = EventBuilder("/extreme"), 0, "unknown"
        self.read = dict.fromkeys(POLICIES, 0)
        self.send(REQUESTS, "*", ROOT)
        self.send(REQUESTS, "*", registration(HAND, *SERVICE_ROLES.values()))
        for key in ADMINS:
            self.send(REQUESTS, "*", registration(key, "admin"))

    def choose(self, values: Sequence[Any]) -> Any:
        """One of the values of a field that the story does not need a certain one of."""
        return self.chance.choice(values) if self.chance.random() < self.share else values[0]

    def send(self, door: str, subject: str, data: Data, key: Key = KEY, id_: str = "") -> None:
        """Publish a payload, signed where that is needed, and let every fold answer."""
        if isinstance(data, Request | ActionRequested):
            data = data.model_copy(update={"valid_until": self.log.now + 3_600_000})
        value, content_type = encode_payload(data)
        signer = {REQUESTS: key, REPORTS: HAND}.get(door)
        id_ = id_ or self.builder.new_id()
        output = self.builder.build_value(
            door, subject, data.TYPE, value, 1, content_type=content_type, id_=id_, key=signer
        )
        self.log.append(output)
        self.loop.settle()

    def try_to_send(self, door: str, subject: str, type_: type[Data], values: dict[str, Any]) -> None:
        """Publish a payload, if its fields fit together."""
        try:
            data = type_.model_validate(values)
        except ValidationError:
            return
        self.send(door, subject, data)

    def usual(self, door: str, type_: type[Data]) -> dict[str, Any]:
        """Fields of a payload that is admitted while a canary is served."""
        known: dict[str, Any] = {"action": self.action, "family": FAMILY, "model": MODEL, "champion": "v0"}
        known |= {"to_time": 2, "request": ("0",)} | dict.fromkeys(("captured", "inputs"), ()) | dict.fromkeys(ARRAYS)
        if type_ is LabelsObserved:
            known |= OWN_ANSWERS
        if door == TELEMETRY:
            known["family"] = "family"
        if type_ is ModelRegistered:
            known |= OPEN
        known |= FITTING.get(type_, {})
        if type_ is MetaTrainingRequested:
            known["model"] = None
        return {name: known.get(name, values[0]) for name, values in extremes(type_).items()}

    def admitted(self, door: str) -> set[str]:
        """Types that the door has passed on."""
        return {
            dict(record.headers)["ce_type"].decode()
            for topic in (TIMELINE, EXPERIENCE, GOVERNANCE, TASKS)
            for record in self.log.all(topic)
            if f"/{door}/".encode() in dict(record.headers)["ce_source"]
        }

    def tell(self, door: str, subject: str, type_: type[Data], **fixed: Any) -> None:
        """Publish a payload with any admitted value in every field that is not fixed."""
        self.send(door, subject, self.any(type_, **fixed))

    def any(self, type_: Any, **fixed: Any) -> Any:
        """A payload, or a part of one."""
        return type_.model_validate({n: self.choose(v) for n, v in extremes(type_).items() if n not in fixed} | fixed)

    def begin(self) -> None:
        """Register the model and its family, and set rules and prices."""
        feature = FeatureContract(name="x")
        fixed: dict[str, Any] = {"family": "family", "champion": "v0", "features": (feature,), "model": None}
        self.tell(TELEMETRY, MODEL, ModelRegistered, **fixed, **OPEN)
        names = self.choose([("a", "b"), ("a", "b"), ("a", "b", *(f"{n:020d}" for n in range(62)))])
        self.tell(
            TRACES,
            FAMILY,
            FamilyRegistered,
            arms=tuple(self.any(Arm, name=name, initial_weights=None) for name in names),
            baseline="a",
            wait_labels=20,
            horizon_labels=40,
            soak_labels=10,
            steps=(0.1, 0.5),
        )
        life = {"cooldown_ms": 0, "approval_ttl_ms": 10**9, "action_ttl_ms": 10**9, "rate_window_ms": 10**9}
        limits = {"max_actions": 1000, "max_in_flight": 100, "training_slots": 100, "max_rollouts_ratio": 1.0}
        rules = self.any(RulesSet, scope="*", approval_tiers=(), families={}, **life, **limits)
        for key in ADMINS:  # it weakens approval: two people want it, and neither has made the other
            self.send(REQUESTS, "*", rules, key)
        self.send(REQUESTS, "*", BudgetSet(scope="*", money=1e15, period_ms=10**12))

    def serve(self, n: int, version: str = "v0", role: Role = "champion", *, is_wrong: bool = False) -> None:
        """Answer `n` labelled requests."""
        first, self.n_requests = self.n_requests, self.n_requests + n
        label = self.choose([0.0, 0.0, 1e30, -1e30])
        rows = SamplesObserved(
            version=version,
            role=role,
            request=[str(first + row) for row in range(n)],
            time=[float(first + row) for row in range(n)],
            features={"x": [self.choose([0.0, 1.0, 1e30, -1e30, 3e38, 1e-45, None])] * n},
            prediction=[-label or self.choose([1.0, 1e30]) if is_wrong else label] * n,
            score=[self.choose([0.5, None, 1e30, -1e30, 5e-324])] * n,
            label=[label] * n,
            latency_seconds=[self.choose([1e-3, None, 0.0, 5e-324, 1.0, 1e6])] * n,
        )
        self.send(TELEMETRY, MODEL, rows)

    def act(self) -> None:
        """Do what the hands are asked for, and report it."""
        for topic in POLICIES:
            while (record := self.log.read(topic, 0, self.read[topic])) is not None:
                self.read[topic] += 1
                event = decode_event(record, time=0, emitter="", is_door=False)
                command: Any = event.data
                if isinstance(command, RetrainStart):
                    self.action = command.action
                    for arm in command.arms:
                        trained = {"arm": arm.name, "version": f"{arm.name[:9]}-1", "artifact": DIGEST}
                        self.report(event, CandidateTrained, f"trained.{arm.name}", **trained)
                elif isinstance(command, Rollout):
                    rollout = {name: value for name, value in command if name != "provenance"}
                    verb = {"rollout": rollout, "rollout_verb": command.TYPE.split(".")[2]}
                    self.report(event, ActionApplied, "applied", **verb, band=None)

    def report(self, command: Event, type_: type[Data], stage: str, **fixed: Any) -> None:
        """Answer a command, as its hand does."""
        kind = "retrain" if isinstance(command.data, RetrainStart) else "rollout"
        about = self.about(kind) | {"action": command.data.action, "command": command.identity}  # type: ignore[attr-defined]  # a command's
        self.send(REPORTS, MODEL, self.any(type_, **(about | fixed)), id_=f"{command.identity}#{stage}")

    def about(self, kind: str) -> dict[str, Any]:
        """What every report says."""
        return {"action": self.action, "command": "c", "kind": kind, "family": FAMILY, "model": MODEL}

    def disturb(self) -> None:
        """Say something else."""
        name = self.choose(("uncertainty", "load", "price_per_second.default"))
        match self.chance.randrange(14):
            case 0:
                self.tell(TELEMETRY, MODEL, SliObserved, name=name)
            case 1:
                self.tell(TELEMETRY, MODEL, SignalObserved, name=name)
            case 2:
                action = self.choose((self.action, None))
                self.tell(TELEMETRY, MODEL, BillReceived, action=action, from_time=0, to_time=10**14)
            case 3:
                band = self.any(Band, signal=name)
                self.tell(REPORTS, MODEL, ActionApplied, **self.about("threshold"), rollout=None, band=band)
            case 4 | 5:
                run = {"task": self.choose(("t", "u")), "configuration": self.choose(("c", "d")), "model": None}
                self.tell(TRACES, FAMILY, EpisodeRecorded, **run)
            case 6 | 7:
                options = tuple(self.any(Option, configuration=name) for name in ("c", "d", "e"))
                self.tell(TRACES, FAMILY, AdviceRequested, task="t", options=options)
            case 8:
                known = [str(max(0, self.n_requests - 1)), "stranger"]
                late = {"request": known, "label": self.choose(([0.0] * 2, [1e30] * 2)), "time": [0.0, 253402300799.0]}
                brought = {"version": "v0", "prediction": [1.0] * 2, "score": [0.5, None], "predicted": [1.0] * 2}
                answers = self.choose([NO_ANSWERS, brought])
                self.tell(TELEMETRY, MODEL, LabelsObserved, **late, **answers)
            case 9:
                self.tell(REPORTS, MODEL, ActionFailed, **self.about(self.choose(("retrain", "rollout"))))
            case 10:
                self.loop.advance(self.choose((1, 10**10)))
            case _:
                door = self.chance.choice(DOORS)
                type_ = self.chance.choice(forms(door))
                usual = self.usual(door, type_)
                values = {name: self.choose((usual[name], *every)) for name, every in extremes(type_).items()}
                self.try_to_send(door, SUBJECTS[door][0], type_, values)

    def check(self) -> None:
        """States can be encoded and read again, and no fold says what its readers cannot read."""
        for host in self.loop.hosts:
            for assignment in host.assignments:
                for state in assignment.states.values():
                    restored(host.fold, state)
        for record in self.log.all(QUARANTINE):
            data = decode_event(record, time=0, emitter="", is_door=False).data
            assert isinstance(data, EventRefused)
            assert data.reason != "payload_invalid" or data.log in DOORS, data.detail


def tell(chance: Random, share: float, n_rounds: int = 8) -> Story:
    """Tell the whole story, up to `n_rounds` times 25 requests that the canary answers as well."""
    story = Story(chance, share)
    story.begin()
    for _ in range(6):
        story.serve(50)
        story.disturb()
    for _ in range(6):
        story.serve(25, is_wrong=True)
        story.disturb()
        story.act()
    for _ in range(n_rounds):
        first = story.n_requests
        story.serve(25, is_wrong=True)
        story.n_requests = first
        story.serve(25, "a-1", "canary")
        story.disturb()
        story.act()
    return story
