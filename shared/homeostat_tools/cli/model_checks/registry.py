"""All that is looked at, in the order in which it is needed."""

from collections.abc import Callable, Iterator
from typing import Final

from homeostat_tools.cli.checks import Check, fail
from homeostat_tools.cli.failures import explain
from homeostat_tools.cli.model_checks import registration, serving, stream, training
from homeostat_tools.cli.model_checks.looking import Model

FINDERS: Final[tuple[Callable[[Model], Iterator[Check]], ...]] = (
    stream.hands,
    registration.registered,
    registration.family,
    stream.rows,
    registration.version,
    stream.inputs,
    stream.labels,
    training.artifact,
    training.recipe,
    serving.server,
    registration.rules,
    registration.mode,
    registration.frozen,
    registration.last_action,
)


def examine(model: Model, *, with_recipe: bool = True) -> Iterator[Check]:
    """Look at everything; what cannot be looked at is a finding itself, and loses no other.

    Args:
        model: Which.
        with_recipe: Run its recipe, which may take a while.
    """
    for finder in FINDERS:
        if finder is training.recipe and not with_recipe:
            continue
        try:
            yield from finder(model)
        except Exception as error:
            name = finder.__name__.replace("_", " ")
            yield fail(name, f"could not be looked at: {explain(error)[1]}", "homeostat doctor")
