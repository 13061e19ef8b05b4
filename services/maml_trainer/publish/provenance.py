"""What a replay of a run must have the same: what it was made from, and what fixes its bits."""

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch

from homeostat.events import MetaTraining
from homeostat.services.maml_trainer.data.task_reader import Collected
from homeostat.services.maml_trainer.data.task_sampler import device_of
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, OuterLoop
from homeostat.services.maml_trainer.meta.repeatable import switches
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

# The weights are the same whatever these are; what is left decides them, with the command and its tasks.
_WITHOUT_EFFECT: Final = {"checkpoint_seconds", "retry_timeout_seconds", "tracking_uri", "tracking_token"}


def environment(settings: MamlTrainerSettings, loop: OuterLoop) -> dict[str, str]:
    """State what fixes the bits beside the run itself: code, settings, engine, builds, kind of processor."""
    home = device_of(settings.device)
    is_gpu = home.type == "cuda"
    return switches(home) | {
        "code": _code(),
        "engine": loop.engine,
        "homeostat": version("homeostat"),
        "numpy": np.__version__,
        "platform": torch.cuda.get_device_name(home) if is_gpu else torch.backends.cpu.get_cpu_capability(),
        "precision": "bfloat16" if settings.mixed_precision else "float32",
        "python": platform.python_version(),
        "settings": hashlib.sha256(settings.model_dump_json(exclude=_WITHOUT_EFFECT).encode()).hexdigest(),
        "torch": str(torch.__version__),
    }


def provenance(
    spec: MetaTraining, tasks: Collected, config: MetaConfig, settings: MamlTrainerSettings, *, is_continued: bool
) -> dict[str, str]:
    """State what a run was made from; rule and network are stated with the weights.

    Args:
        spec: Of the command.
        tasks: Of both sides.
        config: Of the run.
        settings: How it was trained.
        is_continued: It went on from the weights in force; else from a draw of its seed.
    """
    return {
        "current": spec.current or "",
        "episodes": spec.episodes.model_dump_json(),
        "excluded_sources": json.dumps(sorted(spec.excluded_sources)),
        "gate_episodes": str(settings.gate_episodes),
        "held_out_share": str(settings.held_out_share),
        "left_out": json.dumps(dict(tasks.left_out), sort_keys=True),
        "n_held_out": str(len(tasks.held_out)),
        "n_steps": str(config.n_steps),
        "n_tasks": str(len(tasks.train)),
        "rate": str(config.rate),
        "seats": json.dumps(sorted(set(spec.seats.values()))),
        "seed": str(config.seed),
        "shots": json.dumps(config.shots),
        "sources": json.dumps(sorted(tasks.sources)),
        "start": spec.current if is_continued and spec.current else "scratch",
        "tasks_per_step": str(config.tasks_per_step),
        "window": spec.window.model_dump_json(),
    }


@cache
def _code() -> str:
    """Digest of the whole trainer's sources: a run that was begun by other code is another run."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
