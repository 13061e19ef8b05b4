"""Figures of a report as SVG, drawn with the page's own colours: no script, light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import floor, log10
from typing import Final

import numpy as np

from homeostat_tools.value.actions import Action
from homeostat_tools.value.rows import Floats

COLOURS: Final = {
    "never": "var(--never)",
    "stand_in": "var(--control)",
    "scheduled": "var(--scheduled)",
    "on_alarm": "var(--alarm)",
    "homeostat": "var(--ours)",
    "recorded": "var(--control)",
}
_JUDGED: Final = {"gain": "var(--gain)", "loss": "var(--loss)", "cannot tell": "var(--muted)"}
_WIDTH: Final = 880
_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 14
_BOTTOM: Final = 34
_HEIGHT: Final = 300
MOST_BARS: Final = 40
_YEAR_SECONDS: Final = 366 * 86_400.0
_HOUR_SECONDS: Final = 3600.0
_DAYS: Final = 3 * 86_400.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on a line.

    Args:
        x: Seconds.
        y: Value.
        judgement: Colour.
        title: Shown when pointed at.
    """

    x: float
    y: float
    judgement: str
    title: str


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def lines(
    time: Floats, series: Mapping[str, Floats], y_title: str, *, marks: Sequence[Mark] = (), is_share: bool = False
) -> str:
    """Draw one line per policy over time.

    Args:
        time: (k,) seconds, rising.
        series: (k,) by policy.
        y_title: Of the axis.
        marks: Actions.
        is_share: Values are shares, written as percent.
    """
    values = np.concatenate([*series.values(), [0.0] if not is_share else []])
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 0.5
    x = _Scale(float(time[0]), float(time[-1]) if time[-1] > time[0] else float(time[0]) + 1.0, _LEFT, _WIDTH - _RIGHT)
    y = _Scale(max(0.0, low - pad) if is_share else low - pad, high + pad, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_grid_y(y, is_share=is_share), *_grid_x(x)]
    if not is_share:
        parts.append(f'<line class="zero" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    for name, own in series.items():
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in zip(time.tolist(), own.tolist(), strict=True))
        dash = ' stroke-dasharray="5 4"' if name in ("stand_in", "recorded") else ""
        width = 2.4 if name == "homeostat" else 1.5
        parts.append(f'<polyline points="{points}" stroke="{COLOURS[name]}" stroke-width="{width}"{dash}/>')
    parts += [
        f'<circle cx="{x(mark.x):.1f}" cy="{y(mark.y):.1f}" r="4.5" fill="{_JUDGED[mark.judgement]}">'
        f"<title>{escape(mark.title)}</title></circle>"
        for mark in marks
    ]
    return _svg(parts, _HEIGHT, y_title)


def bars(actions: Sequence[Action]) -> str:
    """Draw the gain of each action with its interval, in errors avoided per 1,000 rows; the newest ones of many."""
    shown = list(actions)[-MOST_BARS:]
    ends = [value * 1000 for a in shown for value in (a.gain.low, a.gain.high, a.gain.mean)] or [0.0]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    pad = 0.08 * (high - low) or 1.0
    row, height = 22, 22 * len(shown) + _TOP + _BOTTOM
    x = _Scale(low - pad, high + pad, 150, _WIDTH - _RIGHT)
    parts = []
    for tick in _ticks(x.low, x.high, 6):
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{height - _BOTTOM + 16}" text-anchor="middle">{tick:+g}</text>')
    parts.append(f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>')
    for number, action in enumerate(shown):
        at, colour = _TOP + row * number + row / 2, _JUDGED[action.judgement]
        said = f"{moment(action.seconds)}  {'✓' if action.served else '·'}"
        parts.append(f'<text x="142" y="{at + 4:.1f}" text-anchor="end">{escape(said)}</text>')
        low_x, high_x = x(action.gain.low * 1000), x(action.gain.high * 1000)
        if action.gain.n:
            title = f"{action.what}: {action.gain.mean * 1000:+.1f} per 1,000 rows"
            parts.append(
                f'<line x1="{low_x:.1f}" x2="{high_x:.1f}" y1="{at:.1f}" y2="{at:.1f}" stroke="{colour}" '
                f'stroke-width="3" stroke-linecap="round"/><circle cx="{x(action.gain.mean * 1000):.1f}" '
                f'cy="{at:.1f}" r="5" fill="{colour}"><title>{escape(title)}</title></circle>'
            )
        else:
            parts.append(f'<text class="faint" x="{x(0) + 8:.1f}" y="{at + 4:.1f}">cannot tell</text>')
    return _svg(parts, height, "")


def moment(seconds: float) -> str:
    """Write a time for people, UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} s"


def _svg(parts: Sequence[str], height: int, y_title: str) -> str:
    title = f'<text class="title" x="{_LEFT}" y="{_TOP - 3}">{escape(y_title)}</text>' if y_title else ""
    return (
        f'<svg viewBox="0 -8 {_WIDTH} {height + 8}" role="img" aria-label="{escape(y_title or "gain by action")}">'
        f"{title}{''.join(parts)}</svg>"
    )


def _grid_y(y: _Scale, *, is_share: bool) -> list[str]:
    parts = []
    for tick in _ticks(y.low, y.high, 5):
        text = f"{tick:.0%}" if is_share and (y.high - y.low) > 0.05 else f"{tick:.1%}" if is_share else f"{tick:,.4g}"
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    return parts


def _grid_x(x: _Scale) -> list[str]:
    span, parts = x.high - x.low, []
    short = "%d %b %H:%M" if span > _HOUR_SECONDS else "%H:%M:%S"
    form = "%b %Y" if span > _YEAR_SECONDS else "%d %b" if span > _DAYS else short
    for tick in np.linspace(x.low, x.high, 7)[1:-1]:
        try:
            text = datetime.fromtimestamp(tick, UTC).strftime(form)
        except (ValueError, OverflowError, OSError):
            text = f"{tick:.0f}"
        parts.append(f'<text x="{x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{text}</text>')
    return parts


def _ticks(low: float, high: float, n: int) -> list[float]:
    """Return about n round numbers in a range."""
    raw = (high - low) / n
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = np.ceil(low / step)
    return [round(float((first + k) * step), 12) for k in range(int(np.floor(high / step) - first) + 1)]
