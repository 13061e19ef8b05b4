"""A champion that nobody announced: what its answers show goes to the law, once it is no late row of the former one."""

from typing import Final

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import DeploymentObserved, Samples
from homeostat.events.logs import GOVERNANCE
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State, reset

_PER_HOUR: Final = 60
_HOUR_MS: Final = 3_600_000


def is_champion(state: State, samples: Samples, now: int, settings: Settings) -> bool:
    """Say whether the rows count; a champion that nobody announced becomes the champion in the end.

    Late rows of the former champion are the usual case, so one row is not enough.

    Args:
        state: Changed.
        samples: Rows of one version.
        now: Broker time, ms.
        settings: Say how many rows in a row are enough.
    """
    if samples.role != "champion" or not state.family:
        return False
    if samples.version == state.version:
        state.n_stranger = 0
        return True
    if state.adopted_at is not None:
        state.adopted_at = now  # both answer: it is not over yet
    if samples.version != state.stranger:
        state.stranger, state.n_stranger = samples.version, 0
    state.n_stranger += samples.n_rows
    if state.n_stranger < settings.adopt_rows:
        return False
    reset(state, samples.version, settings)
    state.adopted_at = now
    return True


def notice(state: State, event: Event, settings: Settings) -> tuple[Emit, ...]:
    """Tell the governor of the champion that was adopted, as soon as it alone has answered for a while; once."""
    if state.adopted_at is None or event.time - state.adopted_at < settings.notice_ms:
        return ()
    state.adopted_at = None
    if not state.notices.take(event.time, _PER_HOUR, _HOUR_MS):
        return ()
    said = DeploymentObserved(
        version=state.version,
        reason="nobody announced it; it answers as the champion",
        is_noticed=True,
        model=event.subject,
    )
    return (Emit(GOVERNANCE, said, scope_of(event.subject)),)
