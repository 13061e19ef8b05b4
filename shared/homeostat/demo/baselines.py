"""The policies Homeostat is compared with: same stream, same model, same training, one process, no events."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from homeostat.demo.alarms import Alarms
from homeostat.demo.arms import ARMS, DEFAULT
from homeostat.demo.digits import Floats, Labels
from homeostat.demo.network import Weights, install, predict
from homeostat.demo.recipe import latest, train_arm
from homeostat.demo.scoring import HARMFUL_EVENTS, PolicyResult, PolicyRun, Promotion, gain, score
from homeostat.demo.world import N_AUDITED, N_SERVED, StationEvent, World
from homeostat.stats.paired import PairedEProcess

ALPHA: Final = 0.01
WAIT_EVENTS: Final = 8
"""Labels since the drift that the error rule waits for: 80, as many as a training takes."""

LEVEL_EVENTS: Final = 12
LEVEL_RISE: Final = 0.08
COOLDOWN_EVENTS: Final = 20
"""The level check: detectors do not fire again after a fix that was only partial."""

ERROR_RISE: Final = 0.05
"""The error rule retrains if the error since the drift exceeds the best known one by this."""

CANARY_STEPS: Final = ((4, 0.1), (20, 0.5))
"""Share of the traffic for the candidate, until this many events; after the last, no verdict counts as an abort."""

_ROWS_KEPT: Final = 200
_Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Policy:
    """A fixed way to look after a station.

    Args:
        name: Row of the table.
        period: Retrain every so many events; None for never.
        on_alarm: Do nothing, retrain at once, or the error rule: wait for labels since the drift, retrain if the
            error has risen, and check the level from then on.
        has_canary: Let a candidate prove itself on part of the traffic, by a sequential test both ways.
    """

    name: str
    period: int | None = None
    on_alarm: Literal["ignore", "retrain", "rule"] = "ignore"
    has_canary: bool = False


POLICIES: Final = (
    Policy("frozen"),
    Policy("scheduled_60", period=60),
    Policy("scheduled_30", period=30),
    Policy("every_alarm", on_alarm="retrain"),
    Policy("error_rule", on_alarm="rule"),
    Policy("error_rule_canary", on_alarm="rule", has_canary=True),
)


def compare(world: World, policies: Sequence[Policy] = POLICIES) -> tuple[PolicyResult, ...]:
    """Run policies on one world and score them, in the order given.

    Each station's stream is drawn once for all policies; memory is that of one station.
    """
    runs = [_Run(policy, world) for policy in policies]
    for station in range(world.stations):
        history = world.history(station)
        champion = install(history.x, history.y, seed=world.seed)
        stream = tuple(world.event(station, index) for index in range(world.events))
        for run in runs:
            run.look_after(stream, champion)
    return tuple(score(world, run.finished()) for run in runs)


@dataclass(slots=True, eq=False)
class _Trial:
    candidate: Weights
    n_events: int = 0
    evidence: PairedEProcess = field(default_factory=PairedEProcess)

    @property
    def n_exposed(self) -> int:
        share = next(share for until, share in CANARY_STEPS if self.n_events < until)
        return round(share * N_SERVED)


class _Run:
    """One policy over all stations, one station after the other."""

    def __init__(self, policy: Policy, world: World) -> None:
        self._policy, self._world = policy, world
        self._n_right = np.zeros((world.stations, world.events), np.int64)
        self._promotions: list[Promotion] = []
        self._n_retrains = 0

    def finished(self) -> PolicyRun:
        return PolicyRun(self._policy.name, self._n_right, self._n_retrains, tuple(self._promotions))

    def look_after(self, stream: tuple[StationEvent, ...], champion: Weights) -> None:
        care = _Care(self._policy)
        labels = _Labels()
        trial: _Trial | None = None
        for event in stream:
            wrong, n_right = _serve(event, champion, trial)
            self._n_right[event.station, event.index] = n_right
            labels.append(event)
            care.observe(event, wrong)
            promoted: Weights | None = None
            if trial is not None:
                trial.evidence = trial.evidence.observe(_wrong(event, trial.candidate), wrong)
                trial.n_events += 1
                verdict = _judge(trial)
                promoted = trial.candidate if verdict == "promote" else None
                trial = trial if verdict is None else None
            elif care.wants_training(event.index):
                self._n_retrains += 1
                candidate = self._train(champion, labels, event)
                care.trained(event.index)
                promoted = None if self._policy.has_canary else candidate
                trial = _Trial(candidate) if self._policy.has_canary else None
            if promoted is not None:
                self._promote(stream, event.index + 1, champion, promoted)
                champion = promoted
                care.restart()

    def _train(self, champion: Weights, labels: "_Labels", event: StationEvent) -> Weights:
        x, y = labels.rows()
        seed = self._world.seed * 1_000_003 + event.station * 10_007 + event.index
        return train_arm(ARMS[DEFAULT], *latest(ARMS[DEFAULT], x, y), champion=champion, seed=seed)

    def _promote(self, stream: tuple[StationEvent, ...], index: int, old: Weights, new: Weights) -> None:
        following = stream[index : index + HARMFUL_EVENTS]
        self._promotions.append(Promotion(stream[0].station, index, gain(old, new, following)))
