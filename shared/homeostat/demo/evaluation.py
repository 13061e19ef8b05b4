"""The finer claims: several seeds of the same code on the in-memory log, each with its interval."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from homeostat.demo.baselines import compare
from homeostat.demo.memory_loop import in_memory
from homeostat.demo.play import PRICE, payloads, play
from homeostat.demo.report import facts, result_of
from homeostat.demo.scoring import PolicyResult
from homeostat.demo.system import System, load_json
from homeostat.demo.world import World
from homeostat.evaluation.rows import Row, mean_row
from homeostat.events import ActionProposed, CandidateEvaluated
from homeostat.events.logs import EXPERIENCE, GOVERNANCE

BLOCKS: Final = ((1, 25), (26, 50), (51, 100), (101, 200))
"""Decisions of a family, in their order."""


def evaluate(
    seeds: Iterable[int], *, stations: int = 24, events: int = 400, say: Callable[[str], None] = lambda text: None
) -> list[Row]:
    """Play every seed in memory beside the other policies.

    Args:
        seeds: Of the worlds.
        stations: Cameras.
        events: Per camera.
        say: Told how far it is.

    Returns:
        Scores by policy; Homeostat minus each, paired by seed; the learning curve.
    """
    scores: dict[str, list[PolicyResult]] = {}
    curves: list[dict[str, float]] = []
    for seed in seeds:
        say(f"seed {seed}: the other policies")
        world = World(seed, stations, events)
        for result in compare(world):
            scores.setdefault(result.policy, []).append(result)
        say(f"seed {seed}: Homeostat")
        with in_memory() as system:
            fleet = play(world, system, lambda _: None)
            scores.setdefault("homeostat", []).append(result_of(fleet, system, facts(system)))
            curves.append(curve(system))
    rows: list[Row] = []
    for metric in ("accuracy", "retrains", "harmful_promotions", "net", "time_to_adapt"):
        by_policy = {policy: [_value(r, metric) for r in results] for policy, results in scores.items()}
        rows += [mean_row("demo", metric, "24 cameras", policy, values) for policy, values in by_policy.items()]
        own = by_policy["homeostat"]
        rows += [
            mean_row("demo", f"{metric}, difference", f"minus {policy}", "homeostat", _minus(own, values))
            for policy, values in by_policy.items()
            if policy != "homeostat"
        ]
    blocks = [f"decisions {first}-{last}" for first, last in BLOCKS]
    rows = [row for row in rows if row.n]  # frozen models never adapt
    return rows + [
        mean_row(
            "demo-curve", "payoff above the rule's arm", block, "homeostat", [c[block] for c in curves if block in c]
        )
        for block in blocks
        if any(block in c for c in curves)
    ]


def curve(system: System) -> dict[str, float]:
    """Mean payoff, net of price, of what was chosen minus that of the rule's arm, by blocks of decisions.

    Both are known for every decision, because what was not chosen was trained and scored as a shadow.
    """
    payoff: dict[tuple[str, str], float] = {}
    for evaluated in payloads(system, EXPERIENCE, CandidateEvaluated.TYPE):
        payoff[evaluated["action"], evaluated["arm"]] = evaluated["payoff"]
    gains: list[float] = []
    for record in system.records(GOVERNANCE):
        headers = {name: value.decode() for name, value in record.headers}
        if headers["ce_type"] != ActionProposed.TYPE:
            continue
        proposal = load_json(record)
        action = f"{headers['ce_source']}#{headers['ce_id']}"
        if proposal["kind"] != "retrain" or (action, proposal["baseline"]) not in payoff:
            continue
        chosen = proposal["chosen"]
        own = 0.0 if chosen == "skip" else payoff.get((action, chosen), 0.0) - PRICE
        gains.append(own - (payoff[action, proposal["baseline"]] - PRICE))
    return {
        f"decisions {first}-{last}": float(np.mean(gains[first - 1 : last]))
        for first, last in BLOCKS
        if len(gains) >= first
    }


def _value(result: PolicyResult, metric: str) -> float:
    value = asdict(result)[metric]
    return float("nan") if value is None else float(value)


def _minus(own: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(own, other, strict=True)]
