"""The policies Homeostat is compared with: same stream, same model, same training, one process, no events."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.stats.paired import PairedEProcess
from homeostat_lab.demo.arms import ARMS, DEFAULT
from homeostat_lab.demo.network import Weights, install, predict
from homeostat_lab.demo.recipe import train_arm
from homeostat_lab.demo.scoring import HARMFUL_EVENTS, PolicyResult, PolicyRun, Promotion, gain, score
from homeostat_lab.demo.triggers import Bools, ErrorRule, EveryAlarm, Schedule, Trigger
from homeostat_lab.demo.world import N_AUDITED, N_SERVED, StationEvent, World

ALPHA: Final = 0.01
"""Chance that a canary is ever wrong about a candidate that is no different, for each direction."""

CANARY_STEPS: Final = ((4, 0.1), (20, 0.5))
"""Until this many events, this share of the traffic; a canary without a verdict by the last is an abort."""

_EVENTS_KEPT: Final = int(ARMS[DEFAULT]["rows"]) // N_AUDITED


@dataclass(frozen=True, slots=True)
class Policy:
    """A fixed way to look after every station.

    Args:
        name: Row of the table.
        trigger: Makes what decides when one station trains.
        has_canary: A candidate must be shown better on part of the traffic before it serves; else it serves at once.
    """

    name: str
    trigger: Callable[[], Trigger]
    has_canary: bool = False


POLICIES: Final = (
    Policy("frozen", Schedule),
    Policy("scheduled_60", lambda: Schedule(60)),
    Policy("scheduled_30", lambda: Schedule(30)),
    Policy("every_alarm", EveryAlarm),
    Policy("error_rule", ErrorRule),
    Policy("error_rule_canary", ErrorRule, has_canary=True),
)


def compare(world: World, policies: Sequence[Policy] = POLICIES) -> tuple[PolicyResult, ...]:
    """Run policies on one world and score them, in the order given."""
    return tuple(score(world, run) for run in run_policies(world, policies))


def run_policies(world: World, policies: Sequence[Policy] = POLICIES) -> tuple[PolicyRun, ...]:
    """Run policies on one world, in the order given.

    A station's stream is drawn once for all of them; no more than that is in memory.
    """
    runs = [_Run(policy, world) for policy in policies]
    for station in range(world.stations):
        history = world.history(station)
        installed = install(history.x, history.y, seed=world.seed)
        stream = tuple(world.event(station, index) for index in range(world.events))
        for run in runs:
            run.look_after(stream, installed)
    return tuple(run.finished() for run in runs)


@dataclass(slots=True, eq=False)
class _Canary:
    candidate: Weights
    n_events: int = 0
    evidence: PairedEProcess = field(default_factory=PairedEProcess)

    @property
    def n_exposed(self) -> int:
        """Requests of the next event that the candidate answers."""
        share = next(share for until, share in CANARY_STEPS if self.n_events < until)
        return round(share * N_SERVED)

    def observe(self, event: StationEvent, champion_wrong: Bools) -> None:
        candidate_wrong = predict(self.candidate, event.audited)[0] != event.audited_label
        self.evidence = self.evidence.observe(candidate_wrong, champion_wrong)
        self.n_events += 1

    @property
    def is_better(self) -> bool:
        return self.evidence.better(ALPHA) and not self.evidence.worse(ALPHA)

    @property
    def is_over(self) -> bool:
        is_late = self.n_events >= CANARY_STEPS[-1][0]
        return is_late or self.evidence.worse(ALPHA) or self.evidence.better(ALPHA)


class _Run:
    def __init__(self, policy: Policy, world: World) -> None:
        self._policy, self._seed = policy, world.seed
        self._n_right = np.zeros((world.stations, world.events), np.int64)
        self._promotions: list[Promotion] = []
        self._n_retrains = 0

    def finished(self) -> PolicyRun:
        return PolicyRun(self._policy.name, self._n_right, self._n_retrains, tuple(self._promotions))

    def look_after(self, stream: Sequence[StationEvent], installed: Weights) -> None:
        """Live one station's stream from its first event to its last."""
        trigger, champion = self._policy.trigger(), installed
        canary: _Canary | None = None
        recent: deque[StationEvent] = deque(maxlen=_EVENTS_KEPT)
        for event in stream:
            recent.append(event)
            wrong = self._serve(event, champion, canary)
            wants_training = trigger.observe(event, wrong)
            promoted: Weights | None = None
            if canary is not None:
                canary.observe(event, wrong)
                promoted = canary.candidate if canary.is_better else None
                canary = None if canary.is_over else canary
            elif wants_training:
                candidate = self._train(champion, recent)
                promoted = None if self._policy.has_canary else candidate
                canary = _Canary(candidate) if self._policy.has_canary else None
            if promoted is not None:
                following = stream[event.index + 1 : event.index + 1 + HARMFUL_EVENTS]
                self._promotions.append(Promotion(event.station, event.index + 1, gain(champion, promoted, following)))
                champion = promoted
                trigger.restart()

    def _serve(self, event: StationEvent, champion: Weights, canary: _Canary | None) -> Bools:
        answers, _ = predict(champion, np.concatenate((event.served, event.audited)))
        right = answers[:N_SERVED] == event.served_truth
        if canary is not None:
            n = canary.n_exposed
            right[:n] = predict(canary.candidate, event.served[:n])[0] == event.served_truth[:n]
        self._n_right[event.station, event.index] = np.count_nonzero(right)
        wrong: Bools = answers[N_SERVED:] != event.audited_label
        return wrong

    def _train(self, champion: Weights, recent: Sequence[StationEvent]) -> Weights:
        self._n_retrains += 1
        x = np.concatenate([event.audited for event in recent])
        y = np.concatenate([event.audited_label for event in recent])
        # Chance of its own for each training, the same for all policies.
        seed = int(np.random.default_rng((self._seed, recent[-1].station, recent[-1].index)).integers(2**31))
        return train_arm(ARMS[DEFAULT], x, y, champion=champion, seed=seed)
