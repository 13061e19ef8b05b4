"""The finer claims: several seeds of the same code on the in-memory log, each with its interval."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from homeostat.events import ActionProposed, CandidateEvaluated
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat_lab.demo.baselines import compare
from homeostat_lab.demo.memory_loop import in_memory
from homeostat_lab.demo.play import PRICE, payloads, play
from homeostat_lab.demo.report import facts, result_of
from homeostat_lab.demo.scoring import PolicyResult
from homeostat_lab.demo.system import System, load_json
from homeostat_lab.demo.world import World
from homeostat_lab.evaluation.rows import Result, Row, mean_row

BLOCKS: Final = ((1, 25), (26, 50), (51, 100), (101, 200))
"""Decisions of a family, in their order."""


def evaluate(
    seeds: Iterable[int], *, stations: int = 24, events: int = 400, say: Callable[[str], None] = lambda text: None
) -> Result:
    """Play every seed in memory beside the other policies.

    Args:
        seeds: Of the worlds.
        stations: Cameras.
        events: Per camera.
        say: Told how far it is.

    Returns:
        Scores by policy; Homeostat minus each, paired by seed; the learning curve. A policy that has not recovered from
        most incidents of a seed, as frozen models never do, has no time to adapt there: `missing` counts those seeds.
    """
    scores: dict[str, list[PolicyResult]] = {}
    curves: list[dict[str, float]] = []
    n_known = n_unknown = 0
    for seed in seeds:
        say(f"seed {seed}: the other policies")
        world = World(seed, stations, events)
        for result in compare(world):
            scores.setdefault(result.policy, []).append(result)
        say(f"seed {seed}: Homeostat")
        with in_memory() as system:
            fleet = play(world, system, lambda _: None)
            scores.setdefault("homeostat", []).append(result_of(fleet, system, facts(system)))
            gains, n_left_out = gains_of(system)
            curves.append(curve(gains))
            n_known, n_unknown = n_known + len(gains), n_unknown + n_left_out
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
    rows += [
        mean_row(
            "demo-curve", "payoff above the rule's arm", block, "homeostat", [c[block] for c in curves if block in c]
        )
        for block in blocks
        if any(block in c for c in curves)
    ]
    notes = [
        "time_to_adapt: median over the bumps and replans of a seed; one that nobody recovered from before the next or "
        "the end counts as longer than all, and a seed in which most did has no value",
        f"learning curve: {n_unknown} of {n_known + n_unknown} decisions are left out, in which the rule's arm was not "
        "scored: it failed, or the world ended before",
    ]
    return Result(rows, notes=notes)


def gains_of(system: System) -> tuple[list[float], int]:
    """Payoff, net of price, of what was chosen minus that of the rule's arm, by decision.

    Both are known where what was not chosen was trained and scored as a shadow.

    Returns:
        In the order of the decisions; how many are left out because the rule's arm has no payoff.
    """
    payoff: dict[tuple[str, str], float] = {}
    for evaluated in payloads(system, EXPERIENCE, CandidateEvaluated.TYPE):
        payoff[evaluated["action"], evaluated["arm"]] = evaluated["payoff"]
    gains, n_left_out = list[float](), 0
    for record in system.records(GOVERNANCE):
        headers = {name: value.decode() for name, value in record.headers}
        if headers["ce_type"] != ActionProposed.TYPE:
            continue
        proposal = load_json(record)
        action = f"{headers['ce_source']}#{headers['ce_id']}"
        if proposal["kind"] != "retrain":
            continue
        if (action, proposal["baseline"]) not in payoff:
            n_left_out += 1
            continue
        chosen = proposal["chosen"]
        own = 0.0 if chosen == "skip" else payoff.get((action, chosen), 0.0) - PRICE
        gains.append(own - (payoff[action, proposal["baseline"]] - PRICE))
    return gains, n_left_out


def curve(gains: Sequence[float]) -> dict[str, float]:
    """Mean gains by blocks of decisions; the last block that there is may be short."""
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
