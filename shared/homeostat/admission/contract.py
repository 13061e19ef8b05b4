"""Contracts: what a registration may promise, and whether samples keep it."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.admission.answers import check_answers
from homeostat.admission.screening import check_name
from homeostat.admission.versions import check_written_for, numbered, with_learned
from homeostat.core import Reject
from homeostat.events import FamilyRegistered, ModelRegistered, Samples
from homeostat.events.columns import F4

_LARGEST: Final = float(np.finfo(np.float32).max)
"""The limit of features without one: lets every finite number pass, and no infinite one."""

_SKIP: Final = "skip"
_CACHED: Final = 20_000
"""Laid-out contracts kept at a time."""


def check_succession(model: ModelRegistered, before: ModelRegistered | None) -> ModelRegistered:
    """Take a registration that may follow the one before.

    Args:
        model: As sent.
        before: The one that holds, as this function returned it; None before the first.

    Returns:
        The registration with the number of its contract, and the features that were learned if it names none.

    Raises:
        Reject: `family_changed`, `contract_changed`, `contract_outdated`, `contract_skipped`.
    """
    if before is not None and before.family != model.family:
        raise Reject("family_changed", f"the model is of family {before.family!r}; one that moves gets a new key")
    return with_learned(numbered(model, before), before)


def check_model(model: ModelRegistered) -> None:
    """Take a registration whose contract can be kept.

    Raises:
        Reject: `contract_invalid`.
    """
    if model.learned_rows is not None:
        raise Reject("contract_invalid", "learned_rows is set by intake, not by the sender")
    low, high = model.score_low, model.score_high
    if low is not None and high is not None and low > high:
        raise Reject("contract_invalid", f"score_low {low} is above score_high {high}")
    twice = [name for name, n in Counter(feature.name for feature in model.features).items() if n > 1]
    if twice:
        raise Reject("contract_invalid", f"feature {twice[0]} is listed twice")
    for feature in model.features:
        if feature.low is not None and feature.high is not None and feature.low > feature.high:
            raise Reject("contract_invalid", f"feature {feature.name}: low {feature.low} is above high {feature.high}")
        if feature.required and feature.name in model.personal_features:
            raise Reject("contract_invalid", f"feature {feature.name} cannot be both required and personal")


def check_family(family: FamilyRegistered) -> None:
    """Take a family whose catalogue and steps fit together.

    Raises:
        Reject: `family_invalid`.
    """
    names = [arm.name for arm in family.arms]
    if len(set(names)) < len(names):
        raise Reject("family_invalid", "two arms have one name")
    if family.baseline not in (*names, _SKIP):
        raise Reject("family_invalid", f"baseline {family.baseline} is none of {', '.join(names)}, {_SKIP}")
    if family.steps and (
        family.steps[0] <= 0 or any(a >= b for a, b in zip(family.steps, family.steps[1:], strict=False))
    ):
        raise Reject("family_invalid", "steps are weights above 0, rising")


def check_finite(samples: Samples) -> None:
    """Check what no contract allows: features and inputs that are infinite, inputs that are not numbers.

    Raises:
        Reject: `out_of_range`, `inputs_invalid`.
    """
    infinite = np.isinf(samples.matrix())
    if infinite.any():
        feature, row = (int(i) for i in np.argwhere(infinite)[0])
        n = int(infinite.sum())
        raise Reject(
            "out_of_range", f"feature {samples.features[feature]}, row {row}: must be finite; {n} values are not"
        )
    _check_finite_inputs(samples)


def _check_finite_inputs(samples: Samples) -> None:
    if not np.isfinite(np.frombuffer(samples.inputs, F4)).all():
        raise Reject("inputs_invalid", "inputs must be finite: models are trained on them")


@dataclass(frozen=True, slots=True)
class Check:
    """A contract, laid out for one list of features.

    Args:
        contract: The registration it was made from.
        sent: Features in the order in which they are sent.
        kept: Indices into `sent` that are not personal; None for all.
        names: Names of the kept ones, d.
        low: (d, 1) float32.
        high: (d, 1) float32.
        required: Indices into `names`; None for none.
        limits: `low` and `high` of each of the names.
    """

    contract: ModelRegistered
    sent: list[str]
    kept: list[int] | None
    names: list[str]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    required: list[int] | None
    limits: list[tuple[float, float]]

    @property
    def n_personal(self) -> int:
        """Columns that `admit` drops."""
        return len(self.sent) - len(self.names)

    @property
    def redacted(self) -> tuple[str, ...]:
        """What `admit` drops, and by which rule."""
        if self.kept is None:
            return ()
        return tuple(f"features.{name}: personal_features" for name in self.sent if name not in self.names)

    def admit(self, samples: Samples) -> Samples:
        """Return the samples without personal columns.

        Args:
            samples: Its features are `sent`.

        Raises:
            Reject: `feature_missing`, `out_of_range`, `class_unknown`, `contract_mismatch`, `inputs_invalid`.
        """
        if samples.contract:
            check_written_for(self.contract, samples.contract)
        check_answers(samples, self.contract)
        if self.kept is not None:
            values = samples.matrix()[self.kept].tobytes()
            samples = msgspec.structs.replace(samples, features=self.names, values=values)
        if self.names and not self._is_one_inside(samples):
            matrix = samples.matrix()
            outside = (matrix < self.low) | (matrix > self.high)
            if np.count_nonzero(outside):  # several times faster than any() on a few values
                raise self._out_of_range(outside)
            if self.required is not None:
                self._check_required(np.isnan(matrix[self.required]))
        if samples.captured:
            self._check_inputs(samples)
        return samples

    def _is_one_inside(self, samples: Samples) -> bool:
        """Whether there is one row, all of it within its limits or missing, and nothing is required."""
        if samples.n_rows > 1 or self.required is not None:
            return False
        values = np.frombuffer(samples.values, F4).tolist()
        return not any(x < low or x > high for x, (low, high) in zip(values, self.limits, strict=True))

    def _out_of_range(self, outside: NDArray[np.bool_]) -> Reject:
        feature, row = (int(i) for i in np.argwhere(outside)[0])
        low, high = float(self.low[feature, 0]), float(self.high[feature, 0])
        limits = "finite" if (low, high) == (-_LARGEST, _LARGEST) else f"in [{low:g}, {high:g}]"
        n = int(outside.sum())
        return Reject("out_of_range", f"feature {self.names[feature]}, row {row}: must be {limits}; {n} values are not")

    def _check_required(self, missing: NDArray[np.bool_]) -> None:
        if missing.any():
            assert self.required is not None
            feature, row = (int(i) for i in np.argwhere(missing)[0])
            raise Reject(
                "feature_missing", f"required feature {self.names[self.required[feature]]}, row {row}: no value"
            )

    def _check_inputs(self, samples: Samples) -> None:
        width, n = self.contract.input_width, len(samples.captured)
        if not width:
            raise Reject("inputs_invalid", "the model is registered with input_width 0: it captures no inputs")
        if len(samples.inputs) != F4.itemsize * n * width:
            raise Reject("inputs_invalid", f"{n} captured rows of {width} float32 are {4 * n * width} bytes")
        _check_finite_inputs(samples)


def check_of(contract: ModelRegistered, features: list[str]) -> Check:
    """Lay a contract out for samples with these features.

    Raises:
        Reject: `personal_data`, `feature_unknown`, `feature_missing`.
    """
    for name in features:
        check_name("the name of a feature", name)
    personal = [name for name in features if name in contract.personal_features]
    if personal and contract.on_personal == "refuse":
        raise Reject("personal_data", f"feature {personal[0]} is personal and must not be sent")
    names = [name for name in features if name not in personal]
    listed = {feature.name: feature for feature in contract.features}
    unknown = [name for name in names if listed and name not in listed]
    if unknown:
        learned = "" if contract.learned_rows is None else f", as learned from the first {contract.learned_rows} rows"
        raise Reject(
            "feature_unknown",
            f"feature {unknown[0]} is not in the contract{learned}: {', '.join(sorted(listed))}"[:500],
        )
    required = [name for name, feature in listed.items() if feature.required]
    absent = [name for name in required if name not in names]
    if absent:
        raise Reject("feature_missing", f"required feature {absent[0]} is not among the columns")
    bounds = [(listed[name].low, listed[name].high) if listed else (None, None) for name in names]
    low = _column([-_LARGEST if low is None else low for low, _ in bounds])
    high = _column([_LARGEST if high is None else high for _, high in bounds])
    return Check(
        contract=contract,
        sent=features,
        kept=[i for i, name in enumerate(features) if name not in personal] if personal else None,
        names=names,
        low=low,
        high=high,
        required=[names.index(name) for name in required] or None,
        limits=list(zip(low[:, 0].tolist(), high[:, 0].tolist(), strict=True)),
    )


class Checks:
    """The last laid-out contract of each model; made from registrations alone, so that it may be lost at any time."""

    def __init__(self) -> None:
        self._held: dict[str, Check] = {}

    def of(self, subject: str, contract: ModelRegistered, features: list[str]) -> Check:
        """Return what `check_of` does, laid out once for a run of samples with the same features.

        Args:
            subject: Model.
            contract: In force.
            features: Names as they were sent, in order.
        """
        check = self._held.get(subject)
        if check is None or check.contract is not contract or check.sent != features:
            check = check_of(contract, features)
            if len(self._held) >= _CACHED:
                self._held.clear()
            self._held[subject] = check
        return check


def _column(limits: list[float]) -> NDArray[np.float32]:
    """Round limits as the values were rounded, so that a value at its limit is inside."""
    return np.clip(limits, -_LARGEST, _LARGEST).astype(np.float32).reshape(-1, 1)
