"""What is stated with the weights."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.unit.maml_trainer.orders import SETTINGS, recorded, spec, training
from tests.unit.maml_trainer.small import NETWORK, small_pool

from homeostat.artifacts import open_store
from homeostat.events import WeightsPublished
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, OuterLoop
from homeostat.services.maml_trainer.publish.provenance import environment
from homeostat.services.maml_trainer.publish.weights import load
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

LOOP = OuterLoop(small_pool(5), MetaConfig(NETWORK, seed=0), device="cpu")


def test_weights_state_what_a_replay_needs(tmp_path: Path) -> None:
    """Range, start, exclusions, settings, precision, and the versions that fix the bits."""
    store = open_store(tmp_path)
    log = recorded(store)
    asked = spec(log, excluded_sources=("bad",))
    first = training(log, asked, store).run().data
    assert isinstance(first, WeightsPublished)

    second = training(log, asked.model_copy(update={"current": first.artifact, "n_steps": 200}), store)
    second.run()

    stated = load(store.get(first.artifact))[1]
    assert json.loads(stated["window"]) == log.window.model_dump()
    assert json.loads(stated["excluded_sources"]) == ["bad"]
    assert (stated["start"], stated["current"], stated["precision"]) == ("scratch", "", "float32")
    assert (second.facts["start"], second.facts["current"]) == (first.artifact, first.artifact)
    assert (stated["n_tasks"], stated["n_held_out"], stated["n_steps"], stated["seed"]) == ("26", "14", "60", "1")
    assert (stated["numpy"], stated["torch"]) == (np.__version__, str(torch.__version__))
    assert (stated["python"], stated["homeostat"]) == (platform.python_version(), version("homeostat"))
    assert {len(stated[name]) for name in ("settings", "code")} == {64}


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({"hidden": (7,)}, True),
        ({"mixed_precision": True}, True),
        ({"use_compile": False}, True),
        ({"held_out_share": 0.3}, True),
        ({"checkpoint_seconds": 9.0}, False),
        ({"retry_timeout_seconds": 9.0}, False),
        ({"tracking_uri": "http://mlflow", "tracking_token": "secret"}, False),
    ],
)
def test_settings_that_can_change_a_bit_are_part_of_the_environment(
    change: dict[str, object], is_another: bool
) -> None:
    """Where the record goes and how long is waited are not; nor is a secret."""
    other = MamlTrainerSettings.model_validate(SETTINGS.model_dump() | change)

    assert (environment(SETTINGS, LOOP)["settings"] != environment(other, LOOP)["settings"]) == is_another
