"""A sample of the rows that a model got wrong, kept in the process that answered them."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from homeostat.serving.answering import VersionAnswer
from homeostat.serving.payloads import Batch, Labelled
from homeostat.serving.rows import named, take

_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A row that was answered wrongly.

    Args:
        request: Its id.
        version: Which answered.
        prediction: What it said, as a number.
        label: What was right, as a number.
        inputs: Value of each column.
    """

    request: str
    version: str
    prediction: float
    label: float
    inputs: Mapping[str, Any]


class ErrorReservoir:
    """Keeps a uniform sample of all errors that labels have shown (Vitter, Random sampling with a reservoir, 1985, R).

    Remembers the last 10,000 answered rows: of what is labelled later than that nothing is known here. May be read by
    another thread than writes it.

    Args:
        size: Rows that are kept.
        names: Columns of arrays, in order.
        is_wrong: Of a prediction and a label.
    """

    def __init__(self, size: int, names: tuple[str, ...], is_wrong: Callable[[float, float], bool]) -> None:
        self._size, self._names, self._is_wrong = size, names, is_wrong
        self._batches, self._n_rows = deque[Batch](), 0
        self._answers: dict[str, tuple[Batch, VersionAnswer, int]] = {}
        self._kept: list[WrongRow] = []
        self._lock, self._random = threading.Lock(), Random(0)  # noqa: S311  a sample, not a secret
        self.n_errors = 0

    def rows(self) -> list[WrongRow]:
        """Return the sample."""
        with self._lock:
            return list(self._kept)

    def answered(self, batch: Batch) -> None:
        """Remember what callers got."""
        for answer in batch.answers:
            for place, row in enumerate(answer.rows.tolist()):
                self._answers[batch.request[row]] = (batch, answer, place)
        self._batches.append(batch)
        self._n_rows += len(batch)
        while self._n_rows > _MOST_REMEMBERED and len(self._batches) > 1:
            oldest = self._batches.popleft()
            self._n_rows -= len(oldest)
            for request in oldest.request:
                if self._answers.get(request, (None,))[0] is oldest:
                    del self._answers[request]

    def labelled(self, labels: Labelled, numbers: Callable[[Any], Any]) -> None:
        """Compare labels with what was answered.

        Args:
            labels: Numbers.
            numbers: Turns predictions into numbers.
        """
        for request, label in zip(labels.request, labels.label.tolist(), strict=True):
            batch, answer, place = self._answers.pop(request, (None, None, 0))
            if batch is None or answer is None:
                continue
            prediction = float(numbers(answer.prediction[place : place + 1])[0])
            if self._is_wrong(prediction, label):
                self._keep(batch, answer, place, WrongRow(request, answer.version, prediction, label, {}))

    def _keep(self, batch: Batch, answer: VersionAnswer, place: int, bare: WrongRow) -> None:
        self.n_errors += 1
        index = len(self._kept) if len(self._kept) < self._size else self._random.randrange(self.n_errors)
        if index >= self._size:
            return
        values = named(take(batch.x, answer.rows[place : place + 1]), self._names)
        inputs = {str(name): next(iter(values[name])) for name in values}
        row = WrongRow(bare.request, bare.version, bare.prediction, bare.label, inputs)
        with self._lock:
            self._kept[index : index + 1] = [row]
