"""A bounded sample of a stream, evenly spread over it, without chance."""

from dataclasses import dataclass, field

from homeostat.stats.exchangeability import Float32s


@dataclass(slots=True)
class ThinnedSample:
    """Every `stride`-th row of a stream: 1 at first, doubled when there are too many.

    Attributes:
        most: Rows kept, >= 1.
        stride: One row in so many is kept.
        n_seen: Rows that came.
        rows: (d,) each, oldest first.
        marks: What each was marked with.
    """

    most: int
    stride: int = 1
    n_seen: int = 0
    rows: list[Float32s] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)

    def add(self, rows: Float32s, mark: int) -> None:
        """Take (d, n) rows in."""
        for at in range(-self.n_seen % self.stride, rows.shape[1], self.stride):
            self.rows.append(rows[:, at].copy())
            self.marks.append(mark)
        self.n_seen += rows.shape[1]
        while len(self.rows) > self.most:
            self.rows, self.marks = self.rows[::2], self.marks[::2]
            self.stride *= 2
