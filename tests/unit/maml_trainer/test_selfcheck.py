"""The start-up gate on the meta-gradient."""

import pytest
import torch
from torch import Tensor

from maml_trainer.errors import SelfCheckFailed
from maml_trainer.inner import MetaGradient, meta_gradient
from maml_trainer.loss import Loss
from maml_trainer.network import Params
from maml_trainer.pool import Batch
from maml_trainer.selfcheck import self_check


def test_the_engine_computes_its_definition() -> None:
    """MAML and FOMAML, 1 and 5 steps, equal the autograd loop to 1e-10 and finite differences to 1e-5."""
    self_check()


def first_order_always(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Drop the second-order terms silently."""
    return meta_gradient(meta, batch, loss, steps, True)


def second_order_always(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Keep the second-order terms where FOMAML drops them."""
    return meta_gradient(meta, batch, loss, steps, False)


def padding_counts(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Forget that padded query rows weigh nothing."""
    heavy = batch._replace(query_weight=torch.ones_like(batch.query_weight))
    return meta_gradient(meta, heavy, loss, steps, first_order)


def slightly_off(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Err by one part in a hundred million."""
    gradient, value = meta_gradient(meta, batch, loss, steps, first_order)
    return {name: g * (1 + 1e-8) for name, g in gradient.items()}, value


def not_a_number(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Lose one number."""
    gradient, value = meta_gradient(meta, batch, loss, steps, first_order)
    return {**gradient, "b1": gradient["b1"] * torch.nan}, value


@pytest.mark.parametrize(
    "engine", [first_order_always, second_order_always, padding_counts, slightly_off, not_a_number]
)
def test_a_wrong_engine_is_caught(engine: MetaGradient) -> None:
    """Each wrong engine stops the start, and the error names the case."""
    with pytest.raises(SelfCheckFailed) as caught:
        self_check(engine)

    assert "inner step" in caught.value.case
