"""What is recorded of a meta-training: an outer run, and an inner run for each of some held-out tasks."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Final

from homeostat.core import Event
from homeostat.events import MetaTraining
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.publish.tracking import Curve, Run, Status

_INNER_RUNS: Final = 8


def outer_run(
    event: Event,
    spec: MetaTraining,
    *,
    started_ms: int,
    ended_ms: int,
    status: Status,
    curves: Mapping[str, Curve],
    totals: Mapping[str, float],
    tags: Mapping[str, str],
) -> Run:
    """Make the outer run.

    Args:
        event: The command.
        spec: What it asked for.
        started_ms: Wall clock, ms.
        ended_ms: Wall clock, ms.
        status: How it ended.
        curves: By name: loss, norm of the meta-gradient, step sizes.
        totals: One number for the whole run, by name.
        tags: What is known of it: provenance and outcome.
    """
    return Run(
        key=event.identity,
        name=f"meta-training {event.id}",
        started_ms=started_ms,
        ended_ms=ended_ms,
        status=status,
        params={
            "algorithm": spec.algorithm,
            "n_steps": str(spec.n_steps),
            "seed": str(spec.seed),
            "inner_steps": str(spec.inner_steps),
            "episodes": spec.episodes.model_dump_json(),
            "window": f"{spec.window.first} to {spec.window.last}",
        },
        metrics={**curves, **{name: [(spec.n_steps, value)] for name, value in totals.items()}},
        tags=tags,
        artifacts={
            "meta_training.json": f"{spec.model_dump_json(indent=2)}\n".encode(),
            "provenance.json": f"{json.dumps(dict(tags), indent=2, sort_keys=True)}\n".encode(),
        },
    )


def inner_runs(learned: MetaParameters, episodes: Batch, key: str, factor: float) -> list[Run]:
    """Follow the first held-out episodes through their inner steps.

    Args:
        learned: Adapts to them.
        episodes: Held out.
        key: Of the outer run.
        factor: Of the losses: from standard units to the users'.
    """
    part = episodes.part(0, _INNER_RUNS)
    steps = (0, 1) if learned.rule.is_closed_form else range(learned.rule.inner_steps + 1)
    by_step = [factor * few_shot(learned, part, steps=step).losses for step in steps]
    now = int(time.time() * 1000)
    return [
        Run(
            key=f"{key} held-out {number}",
            name=f"held-out task {number}",
            started_ms=now,
            ended_ms=now,
            status="FINISHED",
            metrics={"query_loss": [(step, float(found[number])) for step, found in zip(steps, by_step, strict=True)]},
        )
        for number in range(len(part.support_x))
    ]


def sparse(curve: Sequence[tuple[int, float]], n: int = 8) -> str:
    """Write some points of a curve down, for a line of progress."""
    every = max(1, len(curve) // n)
    return ", ".join(f"{step}: {loss:.3g}" for step, loss in curve[every - 1 :: every])
