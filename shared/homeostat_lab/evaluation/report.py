"""Evaluations as one HTML page: tables to read, figures to look at; needs nothing from the network."""

import html
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from homeostat_lab.evaluation.rows import OURS, Plot, Result, Row

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2330; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e3e6ec; text-align: left; }
td.number { text-align: right; }
p.note { color: #8a4b00; margin: .25rem 0; }
tr.ours { font-weight: 600; background: #eef6f2; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; }
"""


def number(value: float) -> str:
    """Write four significant digits, without an exponent where people expect none; a dash for what is missing."""
    if value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def interval(row: Row) -> str:
    """Write the interval, or nothing for a single unit."""
    return f"{number(row.low)} … {number(row.high)}" if row.n > 1 else ""


def page(results: Mapping[str, Result], heading: str) -> str:
    """Lay results out by task.

    Args:
        results: By name of the task.
        heading: Of the page.
    """
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(heading)}</title><style>{_STYLE}</style><h1>{html.escape(heading)}</h1>",
    ]
    for name, result in results.items():
        parts.append(f"<h2 id='{html.escape(name)}'>{html.escape(name)}</h2>")
        parts += [f"<p class='note'>{html.escape(note)}</p>" for note in result.notes]
        parts.append(_table(result.rows))
        parts += [
            f"<figure><figcaption>{html.escape(plot.title)}</figcaption>{_svg(plot)}</figure>" for plot in result.plots
        ]
    return "\n".join(parts) + "\n"


def write(path: Path, results: Mapping[str, Result], heading: str = "Homeostat: evaluation") -> None:
    """Write the page; the folder is made.

    Args:
        path: Of the page, `.html`.
        results: By name of the task.
        heading: Of the page.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(results, heading), "utf-8")


def _table(rows: Iterable[Row]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("metric", "setting", "method", "value", "95 % interval", "n"))
    body = []
    for row in rows:
        words = "".join(f"<td>{html.escape(text)}</td>" for text in (row.metric, row.setting, row.method))
        numbers = "".join(f"<td class='number'>{text}</td>" for text in (number(row.value), interval(row), row.units))
        body.append(f"<tr{' class=ours' if row.method == OURS else ''}>{words}{numbers}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _svg(plot: Plot) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, (xs, ys) in plot.lines.items():
        marker = "o" if len(xs) <= 12 else None
        width, layer = (2.2, 3) if name == OURS else (1.2, 2)
        axes.plot(list(xs), list(ys), label=name, marker=marker, markersize=3.5, linewidth=width, zorder=layer)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot.lines) > 1:
        axes.legend(frameon=False, fontsize=8)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]
