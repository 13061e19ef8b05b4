"""Weights as bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from homeostat.services.maml_trainer.backbones import Conv
from homeostat.services.maml_trainer.errors import WeightsMalformed
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, NOISE, NOISE_FLOOR, Algorithm, Rule
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters, random_init
from homeostat.services.maml_trainer.meta.network import Network, mlp
from homeostat.services.maml_trainer.publish.weights import load, save

LEARNED = random_init(mlp((5, 4, 3)), 0)
FACTS = {"seed": "1", "n_tasks": "7"}
STATED = load(save(LEARNED, FACTS).data)[1]


@pytest.mark.parametrize("network", [mlp((5, 4, 3)), Network(Conv((1, 6, 6), (8, 8)), 1)])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_save_then_load_is_identity(algorithm: Algorithm, network: Network) -> None:
    """Network, rule, tensors and facts come back, bit for bit."""
    start = random_init(network, 0, rule=Rule(algorithm, 3))

    learned, metadata = load(save(start, FACTS).data)

    assert FACTS.items() <= metadata.items()
    assert (learned.network, learned.rule) == (network, Rule(algorithm, 3))
    for found, expected in ((learned.params, start.params), (learned.inner, start.inner)):
        assert list(found) == list(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_equal_weights_are_equal_bytes() -> None:
    """The order in which names and facts were put in leaves no trace."""
    shuffled = MetaParameters(
        LEARNED.network,
        LEARNED.rule,
        dict(reversed(LEARNED.params.items())),
        dict(reversed(LEARNED.inner.items())),
    )

    one, two = save(LEARNED, FACTS), save(shuffled, dict(reversed(FACTS.items())))

    assert one == two
    assert len(one.digest) == 64


def test_another_bit_is_another_digest() -> None:
    """Weights are named by their content."""
    params = {**LEARNED.params, "b1": LEARNED.params["b1"] + 1}
    other = MetaParameters(LEARNED.network, LEARNED.rule, params, LEARNED.inner)

    assert save(LEARNED, FACTS).digest != save(other, FACTS).digest


def test_weights_are_read_without_torch(tmp_path: Path) -> None:
    """A process that never imports torch reads the arrays with safetensors.numpy."""
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save(LEARNED, FACTS).data)
    script = (
        "import sys; from safetensors.numpy import load_file; a = load_file(sys.argv[1]);"
        "assert 'torch' not in sys.modules; print(a['w1'].shape, a['lr.w1'].shape, sorted(a))"
    )

    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "(5, 4) () ['b1', 'b2', 'lr.b1', 'lr.b2', 'lr.w1', 'lr.w2', 'w1', 'w2']"


ARRAYS = load_arrays(save(LEARNED, FACTS).data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no weights",
        save(LEARNED, FACTS).data[:-4],
        save_arrays(ARRAYS),
        save_arrays(ARRAYS, {**STATED, "network": "{}"}),
        save_arrays(ARRAYS, {**STATED, "network": "no"}),
        save_arrays(ARRAYS, {**STATED, "algorithm": "magic"}),
        save_arrays({"w1": ARRAYS["w1"]}, STATED),
        save_arrays({**ARRAYS, "x": ARRAYS["w1"]}, STATED),
        save_arrays({**ARRAYS, "w2": ARRAYS["w1"]}, STATED),
        save_arrays({**ARRAYS, "b1": ARRAYS["b1"] * np.float32(np.nan)}, STATED),
        save_arrays({**ARRAYS, "lr.b1": np.array(-1, np.float32)}, STATED),
        save_arrays({**ARRAYS, "w1": ARRAYS["w1"].astype(np.float64)}, STATED),
    ],
)
def test_bytes_that_are_no_weights_are_refused(data: bytes) -> None:
    """Truncated, foreign, unfitting, non-finite or non-positive: refused with a reason."""
    with pytest.raises(WeightsMalformed) as caught:
        load(data)

    assert caught.value.reason == "weights_malformed"


def test_noise_has_its_floor_in_it() -> None:
    """Weights that were written before it was stated had it added whenever they were used."""
    start = random_init(mlp((2, 3, 1)), 0, rule=Rule("bayesian_last_layer"))
    data = save(start, {}).data
    length = int.from_bytes(data[:8], "little")
    stated = data[8 : 8 + length].decode()
    earlier = stated.replace(f',"noise_floor":"{NOISE_FLOOR!r}"', "")
    assert earlier != stated
    padded = earlier.rstrip().encode() + b" " * (len(stated) - len(earlier.rstrip()))

    now, before = load(data)[0], load(data[:8] + padded + data[8 + length :])[0]

    assert torch.equal(now.inner[NOISE], start.inner[NOISE])
    assert float(before.inner[NOISE]) == pytest.approx(float(start.inner[NOISE]) + NOISE_FLOOR)
