"""A user's own network: what is trained of it, and why it is refused if it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
import torch
from tests.unit.maml_trainer.orders import SETTINGS, recorded, spec, training
from tests.unit.maml_trainer.small import SIZES, small_pool
from torch import Tensor, nn

from homeostat.artifacts import open_store
from homeostat.events import WeightsPublished
from homeostat.services.maml_trainer.backbones import Module
from homeostat.services.maml_trainer.errors import NetworkRefused
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, Algorithm, Rule
from homeostat.services.maml_trainer.meta.engines import functional
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, OuterLoop
from homeostat.services.maml_trainer.meta.own_network import check_own
from homeostat.services.maml_trainer.publish.weights import load, save
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

PATH: Final = "own_network:make"
Make = Callable[[int], nn.Module]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Make], None]:
    """Make a function importable under `PATH`."""

    def offered(make: Make) -> None:
        module = ModuleType("own_network")
        monkeypatch.setattr(module, "make", make, raising=False)
        monkeypatch.setitem(sys.modules, "own_network", module)

    return offered


class Partly(nn.Module):
    """A frozen layer, constants of several kinds, and a layer that is trained."""

    shift: Tensor
    order: Tensor
    mask: Tensor

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.fixed = nn.Linear(n_inputs, 8).requires_grad_(False)
        self.scale = nn.Parameter(torch.rand(8), requires_grad=False)
        self.learned = nn.Linear(8, 8)
        self.register_buffer("shift", torch.rand(n_inputs))
        self.register_buffer("order", torch.randperm(8), persistent=False)
        self.register_buffer("mask", torch.rand(8) > 0.3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_inputs) to (n, 8)."""
        hidden = torch.tanh(self.fixed(x - self.shift))[:, self.order]
        return torch.tanh(self.learned(hidden * self.scale * self.mask))


FROZEN: Final = {f"body.{name}" for name in ("fixed.weight", "fixed.bias", "scale", "shift", "order", "mask")}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_frozen_stays_to_the_bit(offer: Callable[[Make], None], algorithm: Algorithm) -> None:
    """Parameters without a gradient, and buffers, in every rule; what is not frozen moves, and the loop agrees."""
    offer(Partly)
    network = Network(Module(PATH, SIZES[0]), SIZES[-1])
    assert network.backbone.frozen == FROZEN
    check_own(Module(PATH, SIZES[0]), (algorithm,))
    first = network.init(1)
    loop = OuterLoop(small_pool(12), MetaConfig(network, seed=1, rule=Rule(algorithm, 2), n_steps=5), device="cpu")

    for _ in range(5):
        loop.advance()

    learned = loop.learned
    for name in FROZEN:
        assert torch.equal(learned.params[name], first[name])
        assert learned.params[name].dtype == first[name].dtype
    assert not {name for name in learned.inner if name.removeprefix("lr.") in FROZEN}
    assert not torch.equal(learned.params["body.learned.weight"], first["body.learned.weight"])


@pytest.mark.parametrize("algorithm", ["maml", "anil", "bayesian_last_layer"])
def test_a_network_that_is_all_frozen_has_its_last_layer_trained(
    offer: Callable[[Make], None], algorithm: Algorithm
) -> None:
    """Features of somebody else's, and our head on them."""
    offer(lambda n: nn.Sequential(nn.Linear(n, 8), nn.Tanh()).requires_grad_(False))
    backbone = Module(PATH, SIZES[0])
    check_own(backbone)
    loop = OuterLoop(
        small_pool(12),
        MetaConfig(Network(backbone, SIZES[-1]), seed=1, rule=Rule(algorithm, 2), n_steps=3),
        device="cpu",
    )
    first = Network(backbone, SIZES[-1]).init(1)

    for _ in range(3):
        loop.advance()

    assert torch.equal(loop.learned.params["body.0.weight"], first["body.0.weight"])
    assert not torch.equal(loop.learned.params["w1"], first["w1"])


def test_frozen_tensors_are_stored_and_come_back(offer: Callable[[Make], None]) -> None:
    """Of every kind, bit for bit: weights are whole without the code that drew them."""
    offer(Partly)
    network = Network(Module(PATH, 4), 3)
    loop = OuterLoop(small_pool(6), MetaConfig(network, seed=5, n_steps=1), device="cpu")
    loop.advance()

    learned, _ = load(save(loop.learned, {}).data)

    assert learned.params.keys() == loop.learned.params.keys()
    for name, value in loop.learned.params.items():
        assert torch.equal(learned.params[name], value)
        assert learned.params[name].dtype == value.dtype


def test_a_frozen_network_goes_through_the_hand(offer: Callable[[Make], None], tmp_path: Path) -> None:
    """Trained, judged, published, and taken up again with the frozen tensors it was published with."""
    offer(lambda n: nn.Sequential(nn.Linear(n, 128).requires_grad_(False), nn.ReLU()))
    settings = MamlTrainerSettings(**SETTINGS.model_dump() | {"network": PATH})
    store = open_store(tmp_path)
    log = recorded(store)

    one = training(log, spec(log, n_steps=100), store, settings=settings).run().data
    assert isinstance(one, WeightsPublished), one
    other = training(log, spec(log, n_steps=100, seed=7, current=one.artifact), store, settings=settings)
    other.run()
    first, again = load(store.get(one.artifact))[0], other.facts

    assert again["start"] == one.artifact
    assert torch.equal(first.params["body.0.weight"], Network(Module(PATH, 4), 3).init(1)["body.0.weight"])


class Own(nn.Module):
    """A layer, then a function of torch.

    Args:
        n_inputs: Width of a row.
        then: The function.
    """

    def __init__(self, n_inputs: int, then: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.then = nn.Linear(n_inputs, 8), then

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_inputs) to (n, 8)."""
        return torch.tanh(self.then(self.layer(x)))


def of(then: Callable[[Tensor], Tensor]) -> Make:
    """Make networks with a function in them."""
    return lambda n: Own(n, then)


class Unused(Own):
    """With a layer that forward forgets."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__(n_inputs, torch.relu)
        self.other = nn.Linear(n_inputs, 3)


class Counting(Own):
    """Counts its rows."""

    n: Tensor

    def __init__(self, n_inputs: int) -> None:
        super().__init__(n_inputs, torch.relu)
        self.register_buffer("n", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_inputs) to (n, 8)."""
        self.n += len(x)
        return super().forward(x)


def broken(_: Tensor) -> Tensor:
    raise ZeroDivisionError("no rows")


def fails(n_inputs: int) -> nn.Module:
    raise ZeroDivisionError(n_inputs)


CAUSES: Final[list[tuple[Make, str]]] = [
    (Unused, "parameter other.weight is not used by forward.*requires_grad=False"),
    (of(lambda x: x.detach()), "no gradient reaches any of its parameters"),
    (of(torch.round), "parameter layer.weight gets no gradient.*round"),
    (of(lambda x: x / 0), "parameter layer.weight has a gradient that is not finite"),
    (of(lambda x: x.float()), "fixed dtype: torch.float64 rows give torch.float32 features"),
    (of(lambda x: x @ torch.ones(8, 8)), "fixed dtype, and is checked in float64"),
    (of(lambda x: x.double()), "fixed dtype: torch.float32 rows give torch.float64 features"),
    (lambda n: nn.Linear(n, 8).double(), "weight is torch.float64; it can be float32"),
    (of(lambda x: x + (x.round() - x).detach()), "gradient is not the slope of its values.*kink or a jump"),
    (of(lambda x: x * x.detach()), "gradient is not the slope of its values"),
    (of(lambda x: nn.functional.dropout(x, 0.2, training=True)), "draws at random"),
    (of(lambda x: nn.functional.batch_norm(x, None, None, training=True)), "depend on the rows beside it"),
    (of(lambda x: x - x.mean(0)), "depend on the rows beside it"),
    (of(lambda x: x if x.sum() > 0 else 2 * x), "torch.func cannot go through it"),
    (lambda n: nn.Sequential(nn.Unflatten(1, (n, 1)), Last(1)), "torch.func cannot go through it"),
    (Counting, "changes its buffer n"),
    (of(broken), "forward fails on .* zeros: ZeroDivisionError: no rows"),
    (fails, "fails: ZeroDivisionError"),
]


class Last(nn.GRU):
    """The last output of a recurrent layer."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__(n_inputs, 8, batch_first=True)

    def forward(self, x: Tensor, hx: Tensor | None = None) -> Tensor:  # type: ignore[override]  # one output
        """Map (n, steps, n_inputs) to (n, 8)."""
        return super().forward(x, hx)[0][:, -1]


@pytest.mark.parametrize(("make", "why"), CAUSES, ids=[why[:30] for _, why in CAUSES])
def test_a_refusal_names_the_cause(offer: Callable[[Make], None], make: Make, why: str) -> None:
    """What in the network is wrong, and vmap only where it is vmap."""
    offer(make)

    with pytest.raises(NetworkRefused, match=why) as refused:
        check_own(Module(PATH, 6), ("maml",))

    assert (refused.value.reason, refused.value.path) == ("network_refused", PATH)
    assert "vmap" not in refused.value.detail or "torch.func" in why


@pytest.mark.parametrize(
    "make",
    [
        of(torch.abs),
        of(lambda x: nn.functional.layer_norm(x, (8,))),
        lambda n: nn.Sequential(nn.Linear(n, 2048), nn.ReLU(), nn.Linear(2048, 16), nn.ReLU()),
        lambda n: nn.Sequential(nn.Linear(n, 8), nn.GroupNorm(2, 8), nn.Hardtanh()),
    ],
    ids=["abs", "layer norm", "wide", "hard tanh"],
)
def test_a_kink_is_no_reason(offer: Callable[[Make], None], make: Make) -> None:
    """Where finite differences step over one, shorter ones do not: a wide network of ReLUs is exact."""
    offer(make)

    check_own(Module(PATH, 6), ("maml",))


def test_only_what_a_run_needs_is_checked(offer: Callable[[Make], None]) -> None:
    """A recurrent layer, which vmap does not take, has a closed form on it, which needs none."""
    offer(lambda n: nn.Sequential(nn.Unflatten(1, (n, 1)), Last(1)))

    check_own(Module(PATH, 6), ("bayesian_last_layer",))


def test_zeros_at_the_start_are_no_missing_gradient(offer: Callable[[Make], None]) -> None:
    """A layer that begins at zero hides the ones before it, until the first step."""

    def make(n_inputs: int) -> nn.Module:
        last = nn.Linear(8, 8)
        nn.init.zeros_(last.weight)
        return nn.Sequential(nn.Linear(n_inputs, 8), nn.Tanh(), last)

    offer(make)

    check_own(Module(PATH, 6), ("maml",))


def test_engines_leave_constants_alone(offer: Callable[[Make], None]) -> None:
    """Their gradient has what is trained, and nothing else."""
    offer(Partly)
    network = Network(Module(PATH, SIZES[0]), SIZES[-1])
    loop = OuterLoop(small_pool(4), MetaConfig(network, seed=1), device="cpu")

    assert not FROZEN & loop._meta.keys()  # noqa: SLF001  # what gradients are of
    assert loop.engine == functional.__name__
