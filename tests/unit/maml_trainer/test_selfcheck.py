"""The start-up gate on the meta-gradient."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from maml_trainer.batch import Batch
from maml_trainer.bodies import Mlp, Params
from maml_trainer.engines import Engine, functional
from maml_trainer.errors import SelfCheckFailed
from maml_trainer.inner import Problem
from maml_trainer.rules import Rule
from maml_trainer.selfcheck import BODIES, self_check

SMALL = {"mlp": Mlp((5, 4))}


@pytest.mark.parametrize("body", BODIES)
def test_the_engines_compute_their_definition(body: str) -> None:
    """Every algorithm on every body equals the autograd loop to 1e-10 and finite differences to 1e-5."""
    self_check(bodies={body: BODIES[body]})


def with_rule(change: Callable[[Rule], Rule]) -> Callable[[Problem], Engine]:
    """Make an engine that follows another rule than it was told."""
    return lambda problem: functional(Problem(problem.network, change(problem.rule), problem.is_classification))


def first_order_always(problem: Problem) -> Engine:
    """Drop the second-order terms silently."""
    return with_rule(lambda rule: Rule("fomaml", rule.inner_steps) if rule.algorithm == "maml" else rule)(problem)


def second_order_always(problem: Problem) -> Engine:
    """Keep the second-order terms where FOMAML drops them."""
    return with_rule(lambda rule: Rule("maml", rule.inner_steps) if rule.algorithm == "fomaml" else rule)(problem)


def one_step_less(problem: Problem) -> Engine:
    """Adapt a step less."""
    return with_rule(lambda rule: Rule(rule.algorithm, rule.inner_steps - 1))(problem)


def padding_counts(problem: Problem) -> Engine:
    """Forget that padded query rows weigh nothing."""
    engine = functional(problem)
    return lambda meta, batch: engine(meta, batch._replace(query_weight=torch.ones_like(batch.query_weight)))


def spoiled(how: Callable[[Params], Params]) -> Callable[[Problem], Engine]:
    """Compute the gradient, then spoil it."""

    def make(problem: Problem) -> Engine:
        engine = functional(problem)

        def wrong(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
            gradient, value = engine(meta, batch)
            return how(gradient), value

        return wrong

    return make


slightly_off = spoiled(lambda gradient: {name: g * (1 + 1e-8) for name, g in gradient.items()})
not_a_number = spoiled(lambda gradient: {**gradient, "b1": gradient["b1"] * torch.nan})


@pytest.mark.parametrize(
    "make", [first_order_always, second_order_always, one_step_less, padding_counts, slightly_off, not_a_number]
)
def test_a_wrong_engine_is_caught(make: Callable[[Problem], Engine]) -> None:
    """Each wrong engine stops the start, and the error names the case."""
    with pytest.raises(SelfCheckFailed) as caught:
        self_check(make, SMALL)

    assert "inner steps" in caught.value.case
