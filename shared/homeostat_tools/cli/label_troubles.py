"""Labels that came and found nothing: other ids, or under another name."""

from homeostat.client.logs import Logs
from homeostat.core.identity import scope_of
from homeostat.events.logs import TELEMETRY
from homeostat_tools.cli.evidence import Known
from homeostat_tools.cli.refusals import Refusal, refusals
from homeostat_tools.cli.troubles import Trouble

_UNMATCHED, _UNREGISTERED = "label_unmatched", "model_unregistered"


def unjoined(logs: Logs, known: Known, model: str) -> Trouble | None:
    """Say why labels of a model are not joined, and what to do; None if nothing speaks for it.

    Args:
        logs: Of the broker.
        known: Of the model.
        model: `scope/model`.
    """
    if known.has_labels or not known.has_rows:
        return None
    if known.n_refused.get(_UNMATCHED):
        last = next(one for one in reversed(_refused(logs)) if one.key == model and one.data.reason == _UNMATCHED)
        return (
            f"none of its labels finds its row, so no error is known: {last.data.detail}",
            "label with the ids that the rows were published with (`answer.request` of `Served`), after them; "
            f"`homeostat quarantine list --model {model}` shows the others",
        )
    names = sorted(strangers(logs, scope_of(model), _UNMATCHED) - {model})
    if names:
        return (
            f"none of its rows has a label, and labels without rows came under {', '.join(names)}",
            f"publish labels.observed under {model}, where its rows are",
        )
    unknown = sorted(strangers(logs, scope_of(model), _UNREGISTERED) - {model})
    if unknown:
        return (
            f"none of its rows has a label, and records came under {', '.join(unknown)}, which nobody has registered",
            f"publish labels.observed under {model}, where its rows are",
        )
    return None


def strangers(logs: Logs, scope: str, reason: str) -> set[str]:
    """Return the subjects of a scope under which telemetry was refused for a reason."""
    return {one.key for one in _refused(logs) if one.data.reason == reason and one.key.startswith(f"{scope}/")}


def _refused(logs: Logs) -> list[Refusal]:
    return [one for one in refusals(logs) if one.data.log == TELEMETRY and one.replayed_at is None]
