"""What the demo shows while it runs, and the tables at its end."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from homeostat_lab.demo.play import Progress as State
from homeostat_lab.demo.world import N_SERVED

_WINDOW: Final = 25
HINTS: Final = """[bold]It stays up until Ctrl-C. In another terminal, try:[/bold]
  homeostat --help                                   everything there is
  homeostat status                                   the processes
  homeostat tail policy.rollout -f                   what is decided, as it is decided
  homeostat why plant/camera-00                      why nothing is being done
  homeostat freeze plant --wait                      no new action; then: homeostat unfreeze plant
  homeostat publish signal.observed plant/nobody '{}'  a bad event; then: homeostat quarantine list
  kill -9 a service or the broker (pids in `homeostat status`): it comes back, nothing is lost"""


class Screen:
    """Progress bar and live table.

    Args:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._task = self.bar.add_task("starting", total=1)
        self._state: State | None = None

    def show(self, state: State) -> None:
        """Take in how far it is."""
        self._state = state
        self.bar.update(self._task, description=state.phase, completed=state.done, total=state.total)

    def __rich__(self) -> Group:
        """Bar, and accuracy of the stations over the last events."""
        return Group(self.bar, self._table()) if self._state is not None and self._state.fleet else Group(self.bar)

    def _table(self) -> Table:
        assert self._state is not None
        fleet, done = self._state.fleet, self._state.done
        assert fleet is not None
        table = Table(title=f"reading accuracy of the last {_WINDOW} events, per camera", show_header=False)
        recent = fleet.n_right[:, max(0, done - _WINDOW) : done]
        accuracies = (recent.mean(axis=1) / N_SERVED).tolist() if done else [0.0] * len(recent)
        cells = [_cell(station, accuracy) for station, accuracy in enumerate(accuracies)]
        for start in range(0, len(cells), 8):
            table.add_row(*cells[start : start + 8])
        total = fleet.n_right[:, :done].mean() / N_SERVED if done else 0.0
        table.caption = f"all cameras since the start: {total:.1%}"
        return table


def _cell(station: int, accuracy: float) -> str:
    colour = "green" if accuracy > 0.85 else "yellow" if accuracy > 0.7 else "red"
    return f"{station:02d} [{colour}]{accuracy:6.1%}[/{colour}]"


def policies_table(report: Mapping[str, Any]) -> Table:
    """The policies on the same stream."""
    table = Table(
        title="the same stream, policy by policy",
        caption="harmful: promotions after which accuracy fell by more than 3 points",
    )
    for name in ("policy", "accuracy", "retrains", "harmful", "net of price", "events to adapt"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=name == "policy")
    for row in report["policies"]:
        adapt = row["time_to_adapt"]
        cells = [
            row["policy"],
            f"{row['accuracy']:.1%}",
            str(row["retrains"]),
            str(row["harmful_promotions"]),
            f"{row['net']:.1%}",
            "-" if adapt is None else f"{adapt:.0f}",
        ]
        table.add_row(*cells, style="bold" if row["policy"] == "homeostat" else None)
    return table


def claims_table(report: Mapping[str, Any]) -> Table:
    """The claims, and whether they hold."""
    table = Table(title="claims of this run")
    for name in ("claim", "homeostat", "baseline", "95 % of the difference", "holds"):
        table.add_column(name, justify="left" if name == "claim" else "right")
    for claim in report["claims"]:
        interval = claim["interval"]
        table.add_row(
            claim["name"],
            _number(claim["value"]),
            "" if claim["baseline"] is None else _number(claim["baseline"]),
            "" if interval is None else f"{interval[0]:+.1%} … {interval[1]:+.1%}",
            "[green]yes[/green]" if claim["holds"] else "[red]no[/red]",
        )
    return table


def _number(value: float) -> str:
    return f"{value:.1%}" if 0.0 < value < 1.0 else f"{value:,.5g}"
