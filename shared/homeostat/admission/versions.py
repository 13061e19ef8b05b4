"""The number of a contract, and which versions of a model it takes."""

from typing import Final

from homeostat.core import Reject
from homeostat.events import ModelRegistered

CONTRACT: Final = (
    "kind",
    "classes",
    "features",
    "input_width",
    "personal_features",
    "on_personal",
    "versions",
    "score_low",
    "score_high",
)
"""Fields of a registration that say what is taken; the others may change under one number."""

_MOST_AT_FIRST: Final = 1_000_000
"""A number counts on by one, so that nobody can use the numbers up."""


def declared(model: ModelRegistered) -> ModelRegistered:
    """The registration as it was sent: without the features that were learned."""
    return model if model.learned_rows is None else model.model_copy(update={"features": (), "learned_rows": None})


def numbered(model: ModelRegistered, before: ModelRegistered | None) -> ModelRegistered:
    """Give a registration the number of its contract.

    Args:
        model: As sent.
        before: The one that holds, with its number; None before the first.

    Raises:
        Reject: `contract_changed`, `contract_outdated`, `contract_skipped`.
    """
    if before is None:
        if (model.contract_version or 1) > _MOST_AT_FIRST:
            raise Reject("contract_skipped", f"the first contract of a model has a number up to {_MOST_AT_FIRST}")
        return model if model.contract_version else model.model_copy(update={"contract_version": 1})
    held, wanted = before.contract_version or 1, model.contract_version
    changes = _changes(model, declared(before))
    if wanted is None:
        return model.model_copy(update={"contract_version": held + bool(changes)})
    if wanted < held:
        raise Reject("contract_outdated", f"contract {wanted} is older than contract {held}, which holds")
    if wanted > held + 1:
        raise Reject("contract_skipped", f"contract {held} holds: the next one is {held + 1}, not {wanted}")
    if wanted == held and changes:
        raise Reject(
            "contract_changed",
            f"contract {held} has other {', '.join(changes)}: a change gets a higher contract_version",
        )
    return model


def _changes(model: ModelRegistered, before: ModelRegistered) -> list[str]:
    return [name for name in CONTRACT if getattr(model, name) != getattr(before, name)]


def with_learned(model: ModelRegistered, before: ModelRegistered | None) -> ModelRegistered:
    """Keep the features that were learned, unless the registration names some, or has a higher number.

    Args:
        model: As sent.
        before: The one that holds; None before the first.
    """
    if model.features or before is None or before.learned_rows is None:
        return model
    if model.contract_version is not None and model.contract_version > (before.contract_version or 1):
        return model
    return model.model_copy(update={"features": before.features, "learned_rows": before.learned_rows})


def is_listed(model: ModelRegistered, version: str) -> bool:
    """Whether a contract takes a version: it lists none, or this one, or it is the champion."""
    return (
        model.versions is None
        or version == model.champion
        or any(version == name or (name[-1] == "*" and version.startswith(name[:-1])) for name in model.versions)
    )


def check_written_for(model: ModelRegistered, contract: int) -> None:
    """Take samples that were written for the contract that holds, or for any.

    Raises:
        Reject: `contract_mismatch`.
    """
    if contract and contract != (model.contract_version or 1):
        raise Reject(
            "contract_mismatch",
            f"the rows were written for contract {contract}, and {model.contract_version or 1} holds",
        )
