"""The other policies on the same stream, in a process of their own.

`python -m homeostat_lab.demo.comparison SEED STATIONS EVENTS OUT`
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homeostat_lab.demo.baselines import POLICIES, run_policies
from homeostat_lab.demo.scoring import PolicyResult, PolicyRun, Promotion, score
from homeostat_lab.demo.world import World


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the other policies did.

    Args:
        results: Their scores, in order.
        n_right: (stations, events) right answers by policy.
    """

    results: tuple[PolicyResult, ...]
    n_right: dict[str, NDArray[np.int64]]


def start(world: World, out: Path) -> "subprocess.Popen[bytes]":
    """Run the policies beside the demo, at low priority."""
    out.parent.mkdir(parents=True, exist_ok=True)
    arguments = [str(world.seed), str(world.stations), str(world.events), str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "homeostat_lab.demo.comparison", *arguments], env=environment)


def load(world: World, out: Path) -> Comparison:
    """Read what the process has written."""
    results, n_right = [], {}
    with np.load(out) as data:
        for policy in POLICIES:
            stations, indices, gains = data[f"{policy.name}.promotions"]
            promotions = tuple(
                Promotion(int(station), int(index), float(gain))
                for station, index, gain in zip(stations, indices, gains, strict=True)
            )
            n_right[policy.name] = data[f"{policy.name}.n_right"]
            run = PolicyRun(policy.name, n_right[policy.name], int(data[f"{policy.name}.n_retrains"]), promotions)
            results.append(score(world, run))
    return Comparison(tuple(results), n_right)


def main(seed: str, stations: str, events: str, out: str) -> None:
    """Run every policy and write what it did.

    Args:
        seed: Of the world, as text.
        stations: Cameras, as text.
        events: Of each camera, as text.
        out: File that is written, `.npz`.
    """
    os.nice(10)
    arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {}
    for run in run_policies(World(int(seed), int(stations), int(events))):
        arrays[f"{run.policy}.n_right"] = run.n_right
        arrays[f"{run.policy}.n_retrains"] = np.array(run.n_retrains)
        arrays[f"{run.policy}.promotions"] = np.array(
            [[p.station for p in run.promotions], [p.index for p in run.promotions], [p.gain for p in run.promotions]]
        ).reshape(3, -1)
    np.savez(out, **arrays)  # type: ignore[arg-type]  # names of arrays, not of options


if __name__ == "__main__":
    main(*sys.argv[1:5])
