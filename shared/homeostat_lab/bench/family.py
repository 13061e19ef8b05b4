"""What a meta-learner hears of many models: families, registrations, drifts and profiles."""

from collections.abc import Iterator
from typing import Final

from homeostat.codec import Output
from homeostat.codec.envelope import envelope
from homeostat.core import Identity
from homeostat.core.identity import emit_id, identity, sequence
from homeostat.events import Arm, Data, DriftDetected, FamilyRegistered, ProfileUpdated, Range
from homeostat.events.logs import EXPERIENCE, TIMELINE
from homeostat_lab.bench.workload import registration

_SMALL: Final = 10
"""Models of each family but the large one."""

_ARMS: Final = ("full", "head", "warm_low", "warm_high", "last_window")
_META_FEATURES: Final = tuple(f"feature_{number:02d}" for number in range(12))


def experience(n_models: int, n_large: int) -> Iterator[Output]:
    """Yield the log of `n_models` models, `n_large` of them in one family; half of them have a drift and a proposal."""
    number = 0
    families: dict[str, list[int]] = {}
    for model in range(n_models):
        name = "large" if model < n_large else f"small{(model - n_large) // _SMALL:05d}"
        families.setdefault(name, []).append(model)
    for name, models in families.items():
        arms = tuple(Arm(name=arm, predicted_gain=0.05) for arm in _ARMS)
        yield _seal(name, number, FamilyRegistered(arms=arms, baseline="full"))
        number += 1
        for model in models:
            for data in _of_model(name, model):
                yield _seal(name, number, data)
                number += 1


def _of_model(family: str, model: int) -> Iterator[Data]:
    subject = f"bench/m{model:05d}"
    yield registration(model).model_copy(update={"family": family})
    if model % 2:
        return
    window = window_of(subject)
    yield drifted(subject, "v1", window)
    yield ProfileUpdated(
        model=subject,
        version="v1",
        meta_features=dict.fromkeys(_META_FEATURES, (model % 7) / 7 - 0.5),
        labels_since_onset=160,
        window=window,
        error_before=0.1,
        error_after=0.3,
    )


def window_of(subject: str) -> Range:
    """Rows of a model since its drift."""
    return Range(log=TIMELINE, subject=subject, source="/bench", first="1.0", last="9.0", from_time=1, rows=100)


def drifted(subject: str, version: str, window: Range) -> DriftDetected:
    """Errors of a model have risen, by a detector without e-values.

    Args:
        subject: `scope/model`.
        version: That served.
        window: Rows since the onset.
    """
    return DriftDetected(
        model=subject,
        version=version,
        kind="concept",
        detector="adwin",
        statistic=0.3,
        threshold=0.1,
        magnitude=0.2,
        onset=window,
    )


def _seal(family: str, number: int, data: Data) -> Output:
    source, id_, subject = "/bench/experience", emit_id(number), f"bench/{family}"
    own = identity(source, id_)
    story = Identity(f"/bench/drift#{data.model}") if isinstance(data, DriftDetected | ProfileUpdated) else own
    return envelope(
        EXPERIENCE, subject, data, id_=id_, source=source, time=number, story=story, sequence=sequence(number)
    )
