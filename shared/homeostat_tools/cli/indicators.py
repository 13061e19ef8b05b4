"""The newest indicators of a model, and what they say of its signals."""

from collections.abc import Mapping
from typing import Final

from homeostat.client.logs import Logs
from homeostat.codec.encode import partition_of
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat_tools.cli.rendering import attributes, event_of

_LOOKED_AT: Final = 20_000
"""Newest indicators of the model's partition."""

_UNTRACKED: Final = "signals_untracked"
_UNANNOUNCED: Final = "version_unannounced"
_CLOCK: Final = "is_clock."


def newest_indicators(logs: Logs, model: str) -> Mapping[str, IndicatorComputed]:
    """Return the indicators of a model as they were said last, by name.

    Args:
        logs: Of the broker.
        model: `scope/model`.
    """
    found: dict[str, IndicatorComputed] = {}
    key = model.encode()
    for record in logs.read([INDICATORS], partition=partition_of(key, logs.n_partitions(INDICATORS)), last=_LOOKED_AT):
        if record.key == key and attributes(record).type == IndicatorComputed.TYPE:
            data = event_of(record).data
            if isinstance(data, IndicatorComputed):
                found[data.name] = data
    return found


def untracked(newest: Mapping[str, IndicatorComputed]) -> str:
    """Say in one line that values of signals were left out, and what to do; empty if none were.

    Args:
        newest: Indicators of the model by name.
    """
    if _UNTRACKED not in newest:
        return ""
    return (
        f"{newest[_UNTRACKED].n} values or more had no threshold: 64 places are tracked, and layer and attributes "
        "name more; leave out attributes that are ever new (ids), or name the places in the band"
    )


def unannounced(newest: Mapping[str, IndicatorComputed]) -> str:
    """Say in one line which version answered as champion though nobody had announced it; empty if none did.

    Args:
        newest: Indicators of the model by name.
    """
    if _UNANNOUNCED not in newest:
        return ""
    return (
        f"{newest[_UNANNOUNCED].version} answers as champion, and was neither registered, nor deployed, nor tried: "
        "say deployment.observed, or list the versions in the registration so that others are refused"
    )


def clocks(newest: Mapping[str, IndicatorComputed]) -> str:
    """Say in one line which features only ever rise, and what to do; empty if none does.

    Args:
        newest: Indicators of the model by name.
    """
    found = sorted(name.removeprefix(_CLOCK) for name, told in newest.items() if name.startswith(_CLOCK) and told.value)
    if not found:
        return ""
    return f"{', '.join(found)} only ever rise (times, row numbers, versions), so nothing is concluded from them"
