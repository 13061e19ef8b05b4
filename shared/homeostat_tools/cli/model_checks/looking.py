"""One model under check: what the logs say of it, read once."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.client.logs import Logs
from homeostat.codec.encode import partition_of
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import FamilyRegistered, IndicatorComputed, Labels, Samples
from homeostat.events.columns import f8
from homeostat.events.logs import TIMELINE
from homeostat.events.policy_state import PolicyState
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.evidence import Known, families_of, gather
from homeostat_tools.cli.in_force import in_force
from homeostat_tools.cli.indicators import newest_indicators
from homeostat_tools.cli.rendering import attributes, event_of

_LOOKED_AT: Final = 5_000
"""Newest records of the model's partition of the timeline."""

_DEFAULT_URL: Final = "http://127.0.0.1:8100"


@dataclass(slots=True)
class Rows:
    """The newest rows of a model.

    Args:
        n: Answered by the champion.
        last_ms: Broker time of the last of them.
        n_captured: Those whose inputs were kept.
        n_labelled: Labels that came with rows, or were joined to some.
        request: Id of the last row.
        x: Kept inputs that have a label, in the order in which the labels came.
        y: Their labels.
    """

    n: int = 0
    last_ms: int = 0
    n_captured: int = 0
    n_labelled: int = 0
    request: str = ""
    x: list[NDArray[np.float32]] = field(default_factory=list)
    y: list[float] = field(default_factory=list)


class Model:
    """What is looked at.

    Args:
        name: `scope/model`.
        settings: Of the connection.
        logs: Of the broker, or in memory.
    """

    def __init__(self, name: str, settings: HostSettings, logs: Logs) -> None:
        self.name, self.settings, self.logs = name, settings, logs

    @property
    def scope(self) -> str:
        """Its scope."""
        return scope_of(self.name)

    @property
    def server_url(self) -> str:
        """Where the rollout actuator comes to, as far as it can be seen from here."""
        return os.environ.get("HOMEOSTAT_ROLLOUT_ACTUATOR_URL", _DEFAULT_URL)

    @cached_property
    def known(self) -> Known:
        """Its events."""
        return gather(self.logs, self.name)

    @cached_property
    def law(self) -> PolicyState:
        """What is in force."""
        return in_force(self.logs)

    @cached_property
    def indicators(self) -> dict[str, IndicatorComputed]:
        """The newest of each."""
        return dict(newest_indicators(self.logs, self.name))

    @cached_property
    def family(self) -> FamilyRegistered | None:
        """Its family, as it was registered last; None if nobody has."""
        return families_of(self.logs, self.scope).get(self.known.family)

    @cached_property
    def rows(self) -> Rows:
        """The newest rows, with the labels that were joined to them."""
        found, inputs = Rows(), dict[str, NDArray[np.float32]]()
        key = self.name.encode()
        place = partition_of(key, self.logs.n_partitions(TIMELINE))
        for record in self.logs.read([TIMELINE], last=_LOOKED_AT, partition=place):
            if record.key != key or attributes(record).type not in (Samples.TYPE, Labels.TYPE):
                continue
            try:
                data = event_of(record).data
            except Reject:
                continue
            if isinstance(data, Samples):
                _add_samples(found, data, inputs, record.timestamp)
            if isinstance(data, Samples | Labels):
                _add_labels(found, data, inputs)
        return found


def _add_samples(found: Rows, data: Samples, inputs: dict[str, NDArray[np.float32]], at: int) -> None:
    if data.role == "champion":
        found.n, found.last_ms = found.n + data.n_rows, max(found.last_ms, at)
        found.n_captured += len(data.captured)
        found.request = data.request[-1]
    if data.role != "shadow":
        for row, x in zip(data.captured, data.captured_inputs(), strict=True):
            inputs.setdefault(data.request[row], x)


def _add_labels(found: Rows, data: Samples | Labels, inputs: dict[str, NDArray[np.float32]]) -> None:
    if isinstance(data, Samples) and data.role != "champion":
        return
    for request, label in zip(data.request, f8(data.label), strict=False):  # no inline labels: empty
        if not np.isfinite(label):
            continue
        found.n_labelled += 1
        if (x := inputs.pop(request, None)) is not None:
            found.x.append(x)
            found.y.append(float(label))
