"""What a payload does not say of itself: whose it is, and what it is called here."""

from dataclasses import dataclass

from homeostat.events.base import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom the events of a payload are about.

    Args:
        subject: `scope/model`; of training runs `scope/family`.
        received: When the payload came, ms since the epoch: the time of what has none of its own.
        version: Of a payload that names none.
        family: Family of a model that a registry announces; without it nothing is registered.
        classes: Names that stand for their index in predictions and labels.
        metric: Name of the metric that a run is judged by; empty: the first of those that are usual.
        layer: Of signals; None: by their names.
        has_inputs: Keep the inputs of requests as model inputs too, for training; the registration must say their
            width.
    """

    subject: str
    received: int = 0
    version: str = ""
    family: str = ""
    classes: tuple[str, ...] = ()
    metric: str = ""
    layer: Layer | None = None
    has_inputs: bool = False
