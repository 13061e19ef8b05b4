"""Payoffs, request by request: each counts once, and a corrected label corrects what it was worth."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events.sources import shared_name
from homeostat.services.outcome_evaluator.memory import forget
from homeostat.services.outcome_evaluator.origins import Origin, named
from homeostat.services.outcome_evaluator.state import Scored, Trial

Floats = NDArray[np.float64]

_MAX_SOURCES: Final = 32
"""Sources that a payoff names; further ones share names."""


def score(
    trial: Trial,
    requests: list[str],
    errors: Mapping[str, Floats],
    origins: Mapping[str, Origin],
    source: str,
    limit: int,
) -> int | None:
    """Score every candidate on the rows that the reference answered too.

    A request that was scored before changes the payoffs by the difference and is no new evidence: the sequential test
    keeps what was said first.

    Args:
        trial: Changed.
        requests: Ids of the rows, n.
        errors: By version, (n,); NaN where it did not answer or there is no truth.
        origins: Of what the versions answered, as far as known.
        source: Who published the labels, empty if nobody said.
        limit: Requests remembered, >= 1.

    Returns:
        Requests that were not scored before; None if no candidate and reference stand side by side.
    """
    reference = errors.get(trial.reference)
    candidates = [(version, errors[version]) for version in trial.tallies if version in errors]
    if reference is None or not candidates:
        return None
    is_pair = ~np.isnan(reference) & np.any([~np.isnan(error) for _, error in candidates], axis=0)
    rows = [row for row in np.flatnonzero(is_pair).tolist() if _admits(trial, origins.get(requests[row]), source)]
    n_before = len(trial.scored)
    for version, error in candidates:
        _count(trial, version, requests, rows, error, reference)
    n_new = len(trial.scored) - n_before
    forget(trial.scored, limit, n_before, len(requests))
    return n_new


def _admits(trial: Trial, origin: Origin | None, source: str) -> bool:
    """Whether a row may be scored; name whom it comes from.

    Further sources than can be told apart share names: their rows count, and are taken back with any of those who
    share theirs. A source that signs only some of its rows is an unsigned one.
    """
    if origin is None:
        trial.n_unnamed += 1
        origin = Origin()
    if origin.is_synthetic:
        return False
    for said in dict.fromkeys([*origin.sources, *([source] if source else [])]):
        name, signer = named(said)
        if name not in trial.sources and len(trial.sources) >= _MAX_SOURCES:
            name = shared_name(name)
        if trial.sources.setdefault(name, signer) != signer:
            trial.sources[name] = ""
    return True


def _count(trial: Trial, version: str, requests: list[str], rows: list[int], error: Floats, reference: Floats) -> None:
    tally, is_canary = trial.tallies[version], version == trial.canary
    payoffs: list[float] = (reference - error).tolist()
    first: list[int] = []
    for row in rows:
        payoff = payoffs[row]
        if payoff != payoff:
            continue
        scored = trial.scored.setdefault(requests[row], Scored())
        known = scored.payoffs.get(version)
        scored.payoffs[version] = payoff
        if known is None:
            first.append(row)
            tally.add(payoff)
            if is_canary and trial.ended == "promoted":
                scored.is_after = True
                trial.after.add(payoff)
        elif known != payoff:
            tally.correct(known, payoff)
            if is_canary and scored.is_after:
                trial.after.correct(known, payoff)
    if is_canary and trial.ended is None:
        own, other = error[first], reference[first]
        trial.test = trial.test.observe(own, other)
        trial.canary_errors = _add(trial.canary_errors, own)
        trial.reference_errors = _add(trial.reference_errors, other)
        trial.step_labels += len(first)


def _add(total: float, values: Floats) -> float:
    """Add in order, so that the sum does not depend on how rows are cut into events."""
    for value in values.tolist():
        total += value
    return total
