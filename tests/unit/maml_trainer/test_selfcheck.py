"""The start-up gate on the meta-gradient."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Mlp, Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.errors import SelfCheckFailed
from homeostat.services.maml_trainer.meta.algorithms import Algorithm, Rule
from homeostat.services.maml_trainer.meta.engines import Engine, compiled, compiler_at_hand, functional
from homeostat.services.maml_trainer.meta.inner_loop import Problem
from homeostat.services.maml_trainer.meta.selfcheck import BACKBONES, check_engine, self_check

SMALL = {"mlp": Mlp((5, 4))}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_engines_compute_their_definition(backbone: str) -> None:
    """Every algorithm on every backbone equals the autograd loop to 1e-10 and finite differences to 1e-5."""
    self_check(backbones={backbone: BACKBONES[backbone]})


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


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not compiler_at_hand(), reason="no C++ compiler: nothing can be compiled here")
@pytest.mark.parametrize("algorithm", ["maml", "fomaml"])
def test_the_compiled_engine_computes_its_definition(algorithm: Algorithm) -> None:
    """Compiled in float64 it equals the autograd loop to 1e-10 and finite differences to 1e-5; compiling takes long."""
    self_check(compiled, {"mlp": BACKBONES["mlp"]}, (algorithm,))


def test_an_engine_is_checked_once_for_what_a_run_needs() -> None:
    """For its rule and its kind of target; when it has passed, not again."""
    made: list[Problem] = []

    def make(problem: Problem) -> Engine:
        made.append(problem)
        return functional(problem)

    check_engine(make, "maml", "numbers")
    check_engine(make, "maml", "numbers")

    assert [(problem.rule.algorithm, problem.is_classification) for problem in made] == [("maml", False)]
