"""What is in force: the governor's own state, derived from governance as the governor derives it."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.core import Fold
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY, SNAPSHOTS
from homeostat.events.policy_state import PolicyState
from homeostat.runtime.errors import SnapshotDamaged, SnapshotOutdated
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat.runtime.keyframes import Keyframe, keyframe, markers
from homeostat.runtime.replay import replay_states
from homeostat.runtime.sealing import Seals
from homeostat.runtime.version import version_of
from homeostat_tools.cli.folds import fold_of


@runtime_checkable
class HasPolicyState(Protocol):
    """A fold whose state says what is in force."""

    def policy_state(self, state: Any) -> PolicyState:
        """Return what people have set."""


def in_force(logs: Logs, seals: Seals | None = None) -> PolicyState:
    """Fold governance again, up to its end, and return what is in force then.

    What the governor has not answered yet is in it as the governor will answer. The newest snapshot of the version
    that is installed is begun from, where it can be read; otherwise the first record is.

    Args:
        logs: Where from.
        seals: What the seals of snapshots are looked at with; without the key everything is folded.
    """
    governor = fold_of("governor")
    assert isinstance(governor, HasPolicyState)
    start = _newest(governor, logs, seals or Seals())
    try:
        states = _states(governor, logs, start)
    except (SnapshotOutdated, SnapshotDamaged):
        states = _states(governor, logs, None)
    state = states.get(GOVERNANCE_KEY)
    return governor.policy_state(governor.initial(GOVERNANCE_KEY) if state is None else state)


def _states(fold: Fold[Any], logs: Logs, start: Keyframe | None) -> dict[str, Any]:
    return replay_states(fold, logs.read([GOVERNANCE]), logs.n_partitions, start)


def _newest(fold: Fold[Any], logs: Logs, seals: Seals) -> Keyframe | None:
    try:
        snapshots: Sequence[Record] = list(logs.read([SNAPSHOTS + fold.name]))
    except TopicMissing:
        return None
    own = [marker for _, marker in markers(snapshots) if marker.version == version_of(fold)]
    last = max((marker.position for marker in own), default=None)
    if last is None:
        return None
    return keyframe(snapshots, logs.topic_id(GOVERNANCE), last, seals)
