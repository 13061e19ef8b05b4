"""A short run of the whole loop in memory, in which nearly everything that can happen happens once.

A few digit-reading cameras are served, drift, are retrained and rolled out; people approve, deny, freeze, revert;
others send what must be refused. Real folds and hands, made-up people.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final

import numpy as np
from tests.support.determinism import keep_steady, lean
from tests.support.payloads import N_TASKS, array, one_row, run_of, weights

from homeostat.artifacts import ArtifactStore
from homeostat.audit.signing import key_id
from homeostat.codec import Output, decode_event
from homeostat.codec.encode import partition_of
from homeostat.core import Event
from homeostat.events import (
    ActionRequested,
    AdviceRequested,
    ApprovalDenied,
    ApprovalGiven,
    Arm,
    Band,
    BillReceived,
    BudgetSet,
    DeploymentObserved,
    EpisodeRecorded,
    FreezeLifted,
    FreezeSet,
    IncidentRecorded,
    KeyRegistered,
    KeyRevoked,
    Labels,
    MetaTrainingStart,
    ModelRegistered,
    RevertRequested,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
    SignalObserved,
    SliObserved,
    SourceDistrusted,
    TaskRecorded,
    UpdateContributed,
    VerdictGiven,
    WeightsPublished,
)
from homeostat.events.columns import F4, pack
from homeostat.events.logs import (
    GOVERNANCE_KEY,
    POLICY_META_TRAINING,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TRACES,
    VERDICTS,
)
from homeostat.serving import Deployment
from homeostat_lab.demo.fleet import FAMILY, SCOPE, VERSION, Fleet, subject
from homeostat_lab.demo.memory_loop import InMemory
from homeostat_lab.demo.play import encode
from homeostat_lab.demo.poison import Poisoner, Poisoning
from homeostat_lab.demo.world import World

RULES: Final = RulesSet(
    cooldown_ms=0,
    max_actions=1000,
    training_slots=8,
    approval_tiers=("medium", "high"),
    approval_ttl_ms=4_000,
    action_ttl_ms=3_600_000,
    price_per_training_second=1.0,
)
"""Fast rules for a fast world: a round is a fifth of a second."""

MONEY: Final = 11.0
"""One first retrain at a time fits beside the meta-training: what it costs is not known yet, and much is asked for."""
_DAY_MS: Final = 86_400_000
_PRICE: Final = 0.03
_FAMILY: Final = f"{SCOPE}/{FAMILY}"
EVENTFUL: Final = 76
"""Seed of a world in which each of three stations is bumped or replanned early."""

_QUIET: Final = 40
"""Events of the world that are left out: nothing happens in them."""

_CAREFUL: Final = 1
"""The station whose changes wait for a person."""

_GUEST: Final = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""Public key of RFC 8032, test 1."""


class Rehearsal:
    """One run.

    Args:
        system: Fresh.
        seed: Of the world.
        stations: >= 3.
        rounds: >= 60.
    """

    def __init__(self, system: InMemory, seed: int = EVENTFUL, stations: int = 3, rounds: int = 72) -> None:
        self.system, self.world = system, World(seed, stations, _QUIET + rounds)
        system.loop.hands = [hand for hand in system.loop.hands if hand.hand.name != "maml_trainer"]  # people answer
        keep_steady(system.loop.hands)
        self.fleet = Fleet(self.world, system.target, self._publish)
        self._n_held = 0
        self._poisoner = Poisoner(self.world, system.store, encode, self._champion, [Poisoning(2, 10, "poisoned")])
        self._script: dict[int, Callable[[], None]] = {
            4: self._record_traces,
            8: self._send_nonsense,
            10: self._ask_for_advice,
            16: self._observe_service,
            24: self._watch_a_signal,
            30: self._send_signals,
            34: lambda: self._ask(FreezeSet(scope=SCOPE, reason="inventory")),
            40: lambda: self._ask(FreezeLifted(scope=SCOPE)),
            20: self._change_keys,
            rounds - 24: self._publish_weights,
            rounds - 20: self._deploy,
            rounds - 16: lambda: self._ask(RevertRequested(model=subject(0), reason="users complain")),
            rounds - 12: lambda: self._ask(SourceDistrusted(scope=SCOPE, source="/jobs/odd")),
            rounds - 10: lambda: self._ask(ScopeConfigured(scope=SCOPE, owner="line-maintenance")),
            rounds - 8: self._charge,
        }

    def play(self, disturb: Callable[[int], None] = lambda index: None) -> None:
        """Run everything; hours pass at the end, so that nothing is left in flight.

        Args:
            disturb: Called after every round, with its index.
        """
        self._ask(RULES, GOVERNANCE_KEY)
        self._ask(BudgetSet(scope=GOVERNANCE_KEY, money=MONEY, period_ms=_DAY_MS), GOVERNANCE_KEY)
        self._install(self.system.store)
        for index in range(self.world.events - _QUIET):
            if index in self._script:
                self._script[index]()
            self._poisoner.act(index, self._publish)
            for station in range(self.world.stations):
                self.fleet.play(self.world.event(station, _QUIET + index))
            if index % 10 == 9:
                self._repeat(TELEMETRY)
            self.system.settle(0, 0)
            self._answer_held()
            disturb(index)
        self.system.settle(0, 0)
        self.system.loop.advance(4 * 3_600_000)

    def _publish(self, topic: str, key: str, data: Any) -> None:
        if isinstance(data, ModelRegistered) and key == subject(_CAREFUL):
            data = data.model_copy(update={"tier": "medium"})
        self.system.publish(topic, key, lean(data))

    def _ask(self, data: Any, key: str = SCOPE) -> None:
        self._publish(REQUESTS, key, data)

    def _champion(self, station: int) -> str:
        return (self.fleet.champions[station] or [VERSION])[-1]

    def _install(self, store: ArtifactStore) -> None:
        for model, digest in self.fleet.install(store, encode, _PRICE).items():
            installed = Deployment(source="/rehearsal", sequence="0", champion=VERSION, artifacts={VERSION: digest})
            self.system.target.apply(model, installed)
        self.system.settle(0, 0)

    def _events(self, topic: str, type_: str) -> Iterator[Event]:
        for record in self.system.records(topic):
            if (b"homeostat." + type_.encode() + b".v1") in dict(record.headers).values():
                yield decode_event(record, time=record.timestamp, emitter="", is_door=False)

    def _answer_held(self) -> None:
        """Let the first held action expire, deny the second, approve the others."""
        held = [e.data for e in self._events(VERDICTS, "verdict.given") if getattr(e.data, "verdict", "") == "held"]
        for given in held[self._n_held :]:
            assert isinstance(given, VerdictGiven)
            if self._n_held == 1:
                self._ask(ApprovalDenied(action=given.action, reason="not today"))
            elif self._n_held > 1:
                self._ask(ApprovalGiven(action=given.action, is_emergency=self._n_held == 3))
            self._n_held += 1

    def _repeat(self, topic: str) -> None:
        """A client that got no answer sends its last event again."""
        for partition in range(self.system.n_partitions(topic)):
            for record in self.system.log.records(topic, partition)[-1:]:
                self.system.log.append(Output(topic, partition, record.key or b"", record.value, record.headers))

    def _record_traces(self) -> None:
        x, y = np.zeros((2, 2), F4), np.array([0, 1])
        arrays = {"support_x": array(x), "support_y": array(y), "query_x": array(x + 1), "query_y": array(y)}
        for number in range(N_TASKS + 3):  # the last ones have no arrays
            task = {"task": f"task-{number:03d}", "n_classes": 2} | (arrays if number < N_TASKS else {})
            self._publish(TRACES, _FAMILY, TaskRecorded.model_validate(task))
        self._publish(TRACES, _FAMILY, EpisodeRecorded(episode="e-1", model=subject(0), result=0.9, seconds=3.5))
        self._publish(TRACES, _FAMILY, IncidentRecorded(incident="i-1", symptoms=("blurred",), fix=("wiped",)))
        client = UpdateContributed(client="c-1", base="0" * 64, delta="1" * 64, n_tasks=3)
        self._publish(TRACES, _FAMILY, client)

    def _send_nonsense(self) -> None:
        """What must be refused, each for another reason."""
        model = subject(0)
        strange = one_row(version="v", request="r-1", feature="temperature")
        self._publish(TELEMETRY, model, strange)
        self._publish(TELEMETRY, "plant/unknown", strange)
        self._publish(TELEMETRY, model, Labels(request=["never-served"], label=pack([1.0]), time=pack([1.7e9])))
        self._publish(TELEMETRY, model, TaskRecorded(task="t", n_classes=0))
        self._publish(TRACES, "no-slash", TaskRecorded(task="t", n_classes=0))
        self._publish(TRACES, _FAMILY, TaskRecorded(task="t", n_classes=2, support_x=array(np.zeros((1, 1), F4))))
        self._publish(REPORTS, model, WeightsPublished.model_validate(weights("x", subject(1))))
        self._publish(REQUESTS, "other", FreezeSet(scope=SCOPE))
        self._ask(ApprovalGiven(action="/nobody#0.0"))
        stray = WeightsPublished.model_validate(weights("/nobody#0.0", _FAMILY))
        self.system.people.report(stray, _FAMILY, "maml_trainer", "/nobody#0.0", "weights")
        self.system.log.publish(REQUESTS, SCOPE, FreezeSet(scope=SCOPE), id_="unsigned", source="/anybody")
        for topic in (TELEMETRY, TRACES, REQUESTS, REPORTS):
            key, headers = b"plant/camera-00", [("ce_type", b"homeostat.signal.observed.v2"), ("ce_id", b"\xff")]
            place = partition_of(key, self.system.n_partitions(topic))
            self.system.log.append(Output(topic, place, key, b"{not json", headers[:1]))
            self.system.log.append(Output(topic, place, key, b"", headers))

    def _observe_service(self) -> None:
        latency = SliObserved(name="latency_seconds", layer="latency", value=0.02, window_seconds=60.0)
        self._publish(TELEMETRY, subject(0), latency)
        spot = SliObserved(name="price_per_second.default", layer="cost", value=0.5, window_seconds=3600.0)
        self._publish(TELEMETRY, subject(0), spot)
        busy = SignalObserved(layer="kubernetes", name="cpu", value=0.4, attributes={"node": "a"})
        self._publish(TELEMETRY, subject(0), busy)

    def _ask_for_advice(self) -> None:
        """Runs of a training job on a few tasks, every kind of question about a new one, and the run that answers."""
        for task in range(4):
            for number, rows in product(range(3), (256, 512, 1024)):
                self._publish(TRACES, _FAMILY, run_of(f"search-{task}", number, rows))
        for number in range(2):
            self._publish(TRACES, _FAMILY, run_of("search-new", number, 512))
        options = [{"configuration": f"c{number}", "rows": 1024} for number in range(3)]
        for question in ("configuration", "benefit", "seconds"):
            wanted: dict[str, Any] = {"task": "search-new", "question": question, "options": options}
            if question == "configuration":
                wanted |= {"objectives": ("seconds", "money", "latency"), "limits": {"seconds": 100.0}}
            self._publish(TRACES, _FAMILY, AdviceRequested.model_validate(wanted))
        self._publish(TRACES, _FAMILY, run_of("search-new", 0, 1024))

    def _watch_a_signal(self) -> None:
        """Somebody wants to be paged by a signal of the service."""
        band = Band(signal="cpu", operating_point="page", rate=0.02, low=0.0, high=1.0, eta=0.1)
        arm = Arm(name="page", propensity=1.0)
        wanted = {"kind": "threshold", "family": _FAMILY, "model": subject(0), "chosen": "page", "arms": (arm,)}
        self._ask(ActionRequested.model_validate(wanted | {"band": band}))

    def _send_signals(self) -> None:
        """A quiet signal with one incident."""
        for number in range(120):
            value = 0.4 + 0.01 * (number * 7 % 5) + (0.5 if number == 100 else 0.0)
            self._publish(TELEMETRY, subject(0), SignalObserved(layer="kubernetes", name="cpu", value=value))

    def _charge(self) -> None:
        """A bill for all trainings of a model, and one that is for nobody's."""
        for number in range(self.world.stations):
            whole = BillReceived(bill="b-1", from_time=0, to_time=10**13, amount=0.25)
            self._publish(TELEMETRY, subject(number), whole)
        stray = BillReceived(bill="b-2", action="nobody#0.0", from_time=0, to_time=1, amount=9.0)
        self._publish(TELEMETRY, subject(0), stray)

    def _change_keys(self) -> None:
        key = KeyRegistered(key=key_id(_GUEST), public_key=_GUEST.hex(), principal="guest")
        self._ask(key, GOVERNANCE_KEY)
        self._ask(RoleGranted(principal="guest", role="approver", scope=SCOPE), GOVERNANCE_KEY)
        self._ask(KeyRevoked(key=key.key, reason="guest has left"), GOVERNANCE_KEY)

    def _publish_weights(self) -> None:
        """Answer the meta-trainings as a trainer would: no weights are needed to fold it."""
        for event in self._events(POLICY_META_TRAINING, "meta-training.start"):
            assert isinstance(event.data, MetaTrainingStart)
            published = WeightsPublished.model_validate(weights(event.data.action, _FAMILY))
            self.system.people.report(published, _FAMILY, "maml_trainer", event.identity, "weights")

    def _deploy(self) -> None:
        """Somebody goes back to the first version by hand."""
        self._publish(TELEMETRY, subject(2), DeploymentObserved(version=VERSION, reason="by hand"))


def rehearse(system: InMemory, seed: int = EVENTFUL) -> Rehearsal:
    """Play one run without faults."""
    run = Rehearsal(system, seed)
    run.play()
    return run
