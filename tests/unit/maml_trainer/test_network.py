"""Networks as named tensors."""

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from homeostat.services.maml_trainer.backbones import Conv, Module
from homeostat.services.maml_trainer.errors import NetworkRefused, WeightsMalformed
from homeostat.services.maml_trainer.meta.network import Network, mlp, network_of
from homeostat.services.maml_trainer.meta.selfcheck import self_check


def test_init_is_a_function_of_sizes_and_seed() -> None:
    """The same seed gives the same bits, another seed other weights."""
    first, again, other = mlp((5, 4, 3)).init(7), mlp((5, 4, 3)).init(7), mlp((5, 4, 3)).init(8)

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["w1"], other["w1"])


def test_init_names_and_shapes_layers() -> None:
    """Weights are (in, out), biases (out,)."""
    params = mlp((5, 4, 3)).init(0)

    assert {name: tuple(value.shape) for name, value in params.items()} == {
        "w1": (5, 4),
        "b1": (4,),
        "w2": (4, 3),
        "b2": (3,),
    }


def test_forward_equals_plain_numpy() -> None:
    """`np.maximum(x @ w1 + b1, 0) @ w2 + b2` serves the same weights."""
    network = mlp((5, 4, 3))
    params = network.init(0, dtype=torch.float64)
    x = np.random.default_rng(0).standard_normal((7, 5))
    w1, b1, w2, b2 = (value.numpy() for value in params.values())

    outputs = network.forward(params, torch.from_numpy(x))

    np.testing.assert_allclose(outputs.numpy(), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(5,), (5, 0, 3), (5, 0)])
def test_widths_that_make_no_network_are_refused(sizes: tuple[int, ...]) -> None:
    """One width or an empty layer is an error."""
    with pytest.raises(ValueError, match="needs"):
        mlp(sizes)


def test_a_query_rows_answer_does_not_depend_on_the_others() -> None:
    """The convolutional network's norm looks at one image only: nothing leaks from row to row."""
    network = Network(Conv((1, 9, 7), (8, 8)), 2)
    params, x = network.init(0, dtype=torch.float64), torch.rand(4, 63, dtype=torch.float64)

    alone = torch.cat([network.forward(params, row[None]) for row in x])

    torch.testing.assert_close(network.forward(params, x), alone, rtol=1e-10, atol=1e-10)


def test_a_shared_column_serves_any_number_of_classes() -> None:
    """Every class starts equal: equal logits, whatever their number."""
    network = mlp((5, 4, 1))
    wide = network.widened(network.init(0), 7)

    outputs = network.forward(wide, torch.rand(3, 5))

    assert outputs.shape == (3, 7)
    assert torch.equal(outputs, outputs[:, :1].expand(3, 7))


@pytest.mark.parametrize("network", [mlp((5, 4, 3)), Network(Conv((2, 8, 8), (8, 16)), 1)])
def test_a_description_makes_the_network_again(network: Network) -> None:
    """Weights carry it."""
    assert network_of(network.describe()) == network


@pytest.mark.parametrize(
    "description", [{}, {"kind": "forest", "n_outputs": 1}, {"kind": "mlp", "n_outputs": 1, "widths": [0]}]
)
def test_a_description_of_nothing_is_refused(description: dict[str, object]) -> None:
    """Unknown, incomplete or impossible."""
    with pytest.raises(WeightsMalformed):
        network_of(description)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], nn.Module]], Module]:
    """Offer a user's network under an importable name."""

    def offer(make: Callable[[int], nn.Module]) -> Module:
        module = ModuleType("users_network")
        module.make = make  # type: ignore[attr-defined]  # that is what it is for
        monkeypatch.setitem(sys.modules, "users_network", module)
        return Module("users_network:make", 6)

    return offer


Offer = Callable[[Callable[[int], nn.Module]], Module]


def test_a_users_module_is_trained_exactly(offered: Offer) -> None:
    """GroupNorm passes the triple check of every algorithm."""
    backbone = offered(lambda n: nn.Sequential(nn.Linear(n, 8), nn.GroupNorm(2, 8), nn.Tanh()))

    self_check(backbones={"user": backbone})

    assert (backbone.n_inputs, backbone.n_features) == (6, 8)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (lambda: nn.BatchNorm1d(8, track_running_stats=False), "BatchNorm1d.*second-order"),
        (lambda: nn.LayerNorm(8), "LayerNorm.*second-order"),
        (lambda: nn.Sequential(nn.Unflatten(1, (2, 4)), nn.InstanceNorm1d(2), nn.Flatten()), "InstanceNorm1d"),
        (lambda: nn.Dropout(0.1), "at random"),
        (lambda: nn.Unflatten(1, (2, 4)), "maps"),
    ],
)
def test_a_users_module_that_would_train_wrongly_is_refused(
    offered: Offer, part: Callable[[], nn.Module], reason: str
) -> None:
    """With the reason: the vmap trap, chance, or a shape."""
    with pytest.raises(NetworkRefused, match=reason):
        offered(lambda n: nn.Sequential(nn.Linear(n, 8), part()))


@pytest.mark.parametrize("path", ["nowhere:make", "maml_trainer.network:nothing", ""])
def test_a_network_that_is_not_there_is_refused(path: str) -> None:
    """The message names the path."""
    with pytest.raises(NetworkRefused, match="no such function"):
        Module(path, 6)
