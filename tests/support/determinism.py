"""What makes a rehearsal small and repeatable: few bits, and no clock."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from homeostat.codec import Headers, Output, encode_payload
from homeostat.events import CandidateTrained, Samples
from homeostat.events.columns import F4, f8, pack
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryHands
from homeostat.testing.enrolled import key_of

_SECONDS: Final = 0.05
"""Length of every training."""

_STEP: Final = 1 / 2
_FINE_STEP: Final = 1 / 16


def lean(data: Any) -> Any:
    """Round the columns of samples to a few bits: recorded runs are kept in the repository."""
    if not isinstance(data, Samples):
        return data
    score = np.round(f8(data.score) / _FINE_STEP) * _FINE_STEP
    return msgspec.structs.replace(
        data,
        values=_rounded(data.values, _FINE_STEP),
        score=pack(score),
        inputs=_rounded(data.inputs, _STEP),
    )


def _rounded(column: bytes, step: float) -> bytes:
    return pack(np.round(np.frombuffer(column, F4) / step) * step + 0.0, F4)  # and no negative zeros


class _SteadyLog:
    """The log as hands see it: a time that was taken with a clock becomes a constant."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, output: Output) -> None:
        """Write a report."""
        if ("ce_type", CandidateTrained.TYPE.encode()) in output.headers:
            trained = CandidateTrained.model_validate_json(output.value or b"")
            value, _ = encode_payload(trained.model_copy(update={"seconds": _SECONDS}))
            output = Output(output.topic, output.partition, output.key, value, _signed(output.headers, value))
        self._log.append(output)


def _signed(headers: Headers, value: bytes) -> Headers:
    """Headers of a report whose value is another one now: its hand signs that."""
    said = {name: (text or b"").decode() for name, text in headers}
    named = (said["ce_type"], said["ce_subject"], said["ce_source"], said["ce_id"])
    hand = said["ce_source"].rpartition("/")[2]
    kept = [header for header in headers if header[0] not in ("signature", "key-id")]
    return [*kept, *key_of(hand).headers(*named, value)]


def keep_steady(hands: Sequence[MemoryHands]) -> None:
    """Let hands report the same on a fast machine and on a slow one, so that a seed fixes the run."""
    for hand in hands:
        steady: Any = _SteadyLog(hand.log)
        hand.log = steady
