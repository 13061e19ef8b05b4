"""The models: what of them is watched, compared and valued."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from homeostat.events import (
    DeploymentUnapproved,
    DriftDetected,
    IndicatorComputed,
    SliObserved,
)
from homeostat.events.logs import EXPERIENCE, INDICATORS, TIMELINE
from homeostat_tools.cli.blindness import is_about_blindness, why_blind
from homeostat_tools.cli.checks.check import Check, Context, ok, warn

_N_NAMED: Final = 3
_NEWEST: Final = 2000
"""Records of each partition of the timeline in which an indicator of the business is looked for."""

_DAY_MS: Final = 86_400_000
_ALWAYS: Final = 24
"""Drifts of a model in a day beyond which its detector always fires."""


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(sorted(names)[:_N_NAMED]) + rest


def contracts(context: Context) -> Iterator[Check]:
    """Features are named, so that they are checked and watched."""
    bare = [name for name, data in context.models.items() if not data.features]
    learned = [name for name, data in context.models.items() if data.learned_rows is not None]
    if bare:
        detail = (
            f"no feature is named in the registration of {_some(bare)}, and none came: none is checked, none is watched"
        )
        mend = f"""homeostat publish model.registered {min(bare)} '{{"features": [{{"name": …}}], …}}'"""
        yield warn("feature contracts", detail, mend)
    if learned:
        detail = f"the features of {_some(learned)} were learned from the first rows: watched, but without limits"
        mend = f"""homeostat publish model.registered {min(learned)} '{{"features": [{{"name": …, "low": …}}], …}}'"""
        yield warn("feature contracts", detail, mend)
    if not bare and not learned and context.models:
        yield ok("feature contracts", f"all of {len(context.models)} models have one")


def families(context: Context) -> Iterator[Check]:
    """A model whose family has no arms is never adapted."""
    scoped = {f"{name.partition('/')[0]}/{data.family}" for name, data in context.models.items()}
    if lacking := sorted(scoped - context.families.keys()):
        detail = f"the family {_some(lacking)} has no arms: its models are never adapted"
        mend = f"""homeostat publish family.registered {lacking[0]} '{{"arms": [{{"name": …}}], "baseline": …}}'"""
        yield warn("families", detail, mend)


def subgroups(context: Context) -> Iterator[Check]:
    """Errors of risky models are told apart by subgroup."""
    blind = [
        name
        for name, data in context.models.items()
        if data.tier == "high" and data.features and not (data.detector and data.detector.slices)
    ]
    if blind:
        detail = f"no subgroup of {_some(blind)} is told apart, and they are of tier high"
        yield warn("subgroups", detail, "register them again, with detector.slices: names of features")


def business(context: Context) -> Iterator[Check]:
    """What a model is worth is known, by its registration or by an indicator."""
    if not context.models:
        return
    seen = {
        event.subject
        for event in _newest(context)
        if isinstance(event.data, SliObserved) and event.data.layer == "business"
    }
    bare = [name for name, data in context.models.items() if data.hourly_value == 0.0 and name not in seen]
    if bare:
        detail = f"neither hourly_value nor an sli.observed of layer business says what {_some(bare)} is worth"
        mend = f"""homeostat publish sli.observed {min(bare)} '{{"layer": "business", "name": …, "value": …, …}}'"""
        yield warn("business metric", detail, mend)


def _newest(context: Context) -> Iterator[Any]:
    from homeostat.core import Reject
    from homeostat_tools.cli.rendering import attributes, event_of

    for record in context.logs.read([TIMELINE], last=_NEWEST):
        if attributes(record).type == SliObserved.TYPE:
            try:
                yield event_of(record)
            except Reject:
                continue


def detectors(context: Context) -> Iterator[Check]:
    """They see what they should, and do not fire all the time."""
    told = dict[str, dict[str, IndicatorComputed]]()
    for event in context.events(INDICATORS):
        if isinstance(event.data, IndicatorComputed) and is_about_blindness(event.data.name):
            told.setdefault(event.data.model, {})[event.data.name] = event.data
    if unseeing := {name: why for name, newest in told.items() if (why := why_blind(newest))}:
        first = min(unseeing)
        detail = f"{_some(list(unseeing))}: {unseeing[first]}"
        yield warn("blind detectors", detail, f"homeostat why {first}")
    newest = int(time.time() * 1000)
    drifts = Counter(
        event.data.model
        for event in context.events(EXPERIENCE)
        if isinstance(event.data, DriftDetected) and event.time >= newest - _DAY_MS
    )
    if loud := [name for name, n in drifts.items() if n > _ALWAYS]:
        detail = f"{_some(loud)}: more than {_ALWAYS} drifts in a day"
        yield warn("loud detectors", detail, "register them again, with detector.run_length higher or columns left out")


def deployments(context: Context) -> Iterator[Check]:
    """What serves was approved."""
    outside = Counter[str]()
    for event in context.events(INDICATORS):
        if isinstance(event.data, DeploymentUnapproved):
            outside[event.data.model] += 1
    if outside:
        detail = (
            f"{sum(outside.values())} deployments of {_some(list(outside))} were neither canaried nor approved here"
        )
        mend = f"homeostat tail indicators -t deployment.unapproved -s {min(outside)}"
        yield warn("deployments", detail, mend)
