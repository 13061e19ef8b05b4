"""Weights as bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from maml_trainer.errors import WeightsMalformed
from maml_trainer.meta import Learned, MetaConfig, scratch
from maml_trainer.weights import load, provenance, save

LEARNED = scratch((5, 4, 3), 0)
METADATA = {"seed": "1", "algorithm": "maml", "n_tasks": "7"}


def test_save_then_load_is_identity() -> None:
    """Parameters, step sizes and metadata come back bit for bit."""
    learned, metadata = load(save(LEARNED, METADATA).data)

    assert metadata == METADATA
    assert list(learned.params) == list(LEARNED.params)
    assert all(torch.equal(learned.params[name], LEARNED.params[name]) for name in LEARNED.params)
    assert all(torch.equal(learned.lrs[name], LEARNED.lrs[name]) for name in LEARNED.lrs)


def test_equal_weights_are_equal_bytes() -> None:
    """The order in which names and metadata were put in leaves no trace."""
    shuffled = Learned(dict(reversed(LEARNED.params.items())), dict(reversed(LEARNED.lrs.items())))

    one, two = save(LEARNED, METADATA), save(shuffled, dict(reversed(METADATA.items())))

    assert one == two
    assert len(one.digest) == 64


def test_another_bit_is_another_digest() -> None:
    """Weights are named by their content."""
    other = Learned({**LEARNED.params, "b1": LEARNED.params["b1"] + 1}, LEARNED.lrs)

    assert save(LEARNED, METADATA).digest != save(other, METADATA).digest


def test_weights_are_read_without_torch(tmp_path: Path) -> None:
    """A process that never imports torch reads the arrays with safetensors.numpy."""
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save(LEARNED, METADATA).data)
    script = (
        "import sys; from safetensors.numpy import load_file; a = load_file(sys.argv[1]);"
        "assert 'torch' not in sys.modules; print(a['w1'].shape, a['lr.w1'].shape, sorted(a))"
    )

    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "(5, 4) () ['b1', 'b2', 'lr.b1', 'lr.b2', 'lr.w1', 'lr.w2', 'w1', 'w2']"


ARRAYS = load_arrays(save(LEARNED, METADATA).data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no weights",
        save(LEARNED, METADATA).data[:-4],
        save_arrays({"w1": ARRAYS["w1"]}),
        save_arrays({**ARRAYS, "x": ARRAYS["w1"]}),
        save_arrays({**ARRAYS, "w2": ARRAYS["w1"]}),
        save_arrays({**ARRAYS, "b1": ARRAYS["b1"] * np.float32(np.nan)}),
        save_arrays({**ARRAYS, "lr.b1": np.array(-1, np.float32)}),
        save_arrays({**ARRAYS, "w1": ARRAYS["w1"].astype(np.float64)}),
    ],
)
def test_bytes_that_are_no_weights_are_refused(data: bytes) -> None:
    """Truncated, foreign, unfitting, non-finite or non-positive: refused with a reason."""
    with pytest.raises(WeightsMalformed) as caught:
        load(data)

    assert caught.value.reason == "weights_malformed"


def test_provenance_names_what_fixes_the_bits() -> None:
    """Algorithm, engine, seed, number of tasks, torch and processor are stated as text."""
    stated = provenance(MetaConfig((5, 4, 3), seed=1, first_order=True), 7, device="cpu")

    assert (stated["algorithm"], stated["seed"], stated["n_tasks"]) == ("fomaml", "1", "7")
    assert {"engine", "torch", "platform"} <= stated.keys()
    assert all(isinstance(value, str) for value in stated.values())
