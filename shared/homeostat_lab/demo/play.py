"""One run of the cameras on a system: install, learn initial weights, play every event, keep the score."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from safetensors.numpy import save

from homeostat.events import BudgetSet, RulesSet, WeightsPublished, WeightsRejected
from homeostat.events.logs import EXPERIENCE, REQUESTS
from homeostat.serving import Deployment
from homeostat_lab.demo.fleet import VERSION, Fleet
from homeostat_lab.demo.network import Weights
from homeostat_lab.demo.poison import Poisoner, plan
from homeostat_lab.demo.scoring import PRICE_IMAGES
from homeostat_lab.demo.system import System, load_json
from homeostat_lab.demo.world import N_SERVED, World

N_TASKS: Final = 100
N_HELD_OUT: Final = 30
_HORIZON_EVENTS: Final = 40
PRICE: Final = PRICE_IMAGES / (N_SERVED * _HORIZON_EVENTS)
"""Declared price of a retrain as accuracy over 40 events: 3 points."""

_MAX_TASKS: Final = 2
_WEIGHTS_SECONDS: Final = 120.0


def encode(weights: Weights) -> bytes:
    """Weights as safetensors."""
    return save({name: np.ascontiguousarray(value) for name, value in weights.items()})


@dataclass(slots=True)
class Progress:
    """What an onlooker sees.

    Args:
        phase: What is being done.
        done: Events of each station played.
        total: Of them.
        fleet: Score so far.
        counts: Event types seen, short.
    """

    phase: str
    done: int = 0
    total: int = 1
    fleet: Fleet | None = None
    counts: Counter[str] = field(default_factory=Counter)


def play(world: World, system: System, show: Callable[[Progress], None]) -> Fleet:
    """Run the whole demo on a system.

    Args:
        world: What happens.
        system: Where.
        show: Called after every round.

    Returns:
        The fleet with its score.
    """
    progress = Progress("installing 24 models", total=world.events)
    show(progress)
    fleet = Fleet(world, system.target, system.publish)
    _govern(system)
    for model, digest in fleet.install(system.store, encode, PRICE).items():
        installed = Deployment(source="/demo/install", sequence="0", champion=VERSION, artifacts={VERSION: digest})
        system.target.apply(model, installed)
    system.settle(0, 0)
    progress.phase = "learning initial weights from 100 earlier installations (MAML)"
    show(progress)
    fleet.record_tasks(N_TASKS, N_HELD_OUT)
    _await_weights(system, progress, show)
    progress.phase, progress.fleet = "playing", fleet
    poisoner = Poisoner(world, system.store, encode, lambda s: (fleet.champions[s] or [VERSION])[-1], plan(world))
    max_lag = 2 * world.stations
    for index, events in enumerate(world):
        poisoner.act(index, system.publish)
        for event in events:
            fleet.play(event)
        system.settle(max_lag, _MAX_TASKS)
        progress.done = index + 1
        show(progress)
    progress.phase = "waiting for the last outcomes"
    show(progress)
    system.settle(0, 0)
    return fleet


def _govern(system: System) -> None:
    """Rules for a fast world: an event is a minute of the cameras and a sixth of a second of ours."""
    rules = RulesSet(cooldown_ms=0, max_actions=1000, max_in_flight=200, training_slots=8, max_rollouts_ratio=1.0)
    system.publish(REQUESTS, "*", rules)
    system.publish(REQUESTS, "*", BudgetSet(scope="*", money=100.0, period_ms=86_400_000))


def _await_weights(system: System, progress: Progress, show: Callable[[Progress], None]) -> None:
    deadline = time.monotonic() + _WEIGHTS_SECONDS
    ends = (WeightsPublished.TYPE.encode(), WeightsRejected.TYPE.encode())
    while time.monotonic() < deadline:
        system.settle(0, 0)
        if any(dict(record.headers)["ce_type"] in ends for record in system.records(EXPERIENCE)):
            return
        system.tick()
        show(progress)
        time.sleep(0.2)
    raise TimeoutError(f"no initial weights after {_WEIGHTS_SECONDS:.0f} s; see the log of the trainer")


def payloads(system: System, topic: str, type_: str) -> list[dict[str, Any]]:
    """Payloads of one type in a log, without repeats.

    Args:
        system: Read.
        topic: All of it.
        type_: CloudEvents type.
    """
    seen: set[bytes] = set()
    found = []
    for record in system.records(topic):
        headers = dict(record.headers)
        identity = headers["ce_source"] + b"#" + headers["ce_id"]
        if headers["ce_type"] == type_.encode() and identity not in seen:
            seen.add(identity)
            found.append(load_json(record))
    return found
