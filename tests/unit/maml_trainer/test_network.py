"""The network as named tensors."""

import numpy as np
import pytest
import torch

from maml_trainer.network import forward, init, sizes_of


def test_init_is_a_function_of_sizes_and_seed() -> None:
    """The same seed gives the same bits, another seed other weights."""
    first, again, other = init((5, 4, 3), 7), init((5, 4, 3), 7), init((5, 4, 3), 8)

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["w1"], other["w1"])


def test_init_names_and_shapes_layers() -> None:
    """Weights are (in, out), biases (out,), and the widths can be read back."""
    params = init((5, 4, 3), 0)

    assert {name: tuple(value.shape) for name, value in params.items()} == {
        "w1": (5, 4),
        "b1": (4,),
        "w2": (4, 3),
        "b2": (3,),
    }
    assert sizes_of(params) == (5, 4, 3)


def test_forward_equals_plain_numpy() -> None:
    """`np.maximum(x @ w1 + b1, 0) @ w2 + b2` serves the same weights."""
    params = init((5, 4, 3), 0, dtype=torch.float64)
    x = np.random.default_rng(0).standard_normal((7, 5))
    w1, b1, w2, b2 = (value.numpy() for value in params.values())

    outputs = forward(params, torch.from_numpy(x))

    np.testing.assert_allclose(outputs.numpy(), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(5,), (5, 0, 3)])
def test_init_refuses_widths_that_make_no_network(sizes: tuple[int, ...]) -> None:
    """One width or an empty layer is an error."""
    with pytest.raises(ValueError, match="widths"):
        init(sizes, 0)
