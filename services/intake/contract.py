"""Contracts: what a registration may promise, and whether samples keep it."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject
from homeostat.events import FamilyRegistered, ModelRegistered, Samples
from homeostat.events.columns import F4
from intake.ranges import check_samples_ranges

_LARGEST: Final = float(np.finfo(np.float32).max)
"""The limit of features without one: lets every finite number pass, and no infinite one."""

_SKIP: Final = "skip"


def check_model(model: ModelRegistered, before: ModelRegistered | None) -> None:
    """Take a registration whose contract can be kept.

    Raises:
        Reject: `contract_invalid`, `family_changed`.
    """
    if before is not None and before.family != model.family:
        raise Reject("family_changed", f"the model is of family {before.family!r}; one that moves gets a new key")
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
    """

    contract: ModelRegistered
    sent: list[str]
    kept: list[int] | None
    names: list[str]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    required: list[int] | None

    @property
    def n_personal(self) -> int:
        """Columns that `admit` drops."""
        return len(self.sent) - len(self.names)

    def admit(self, samples: Samples) -> Samples:
        """Return the samples without personal columns.

        Args:
            samples: Its features are `sent`.

        Raises:
            Reject: `feature_missing`, `out_of_range`, `inputs_invalid`.
        """
        if self.kept is not None:
            values = samples.matrix()[self.kept].tobytes()
            samples = msgspec.structs.replace(samples, features=self.names, values=values)
        if self.names:
            matrix = samples.matrix()
            outside = (matrix < self.low) | (matrix > self.high)
            if np.count_nonzero(outside):  # several times faster than any() on a few values
                raise self._out_of_range(outside)
            if self.required is not None:
                self._check_required(np.isnan(matrix[self.required]))
        check_samples_ranges(samples)
        if samples.captured:
            self._check_inputs(samples)
        return samples

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
        if not np.isfinite(np.frombuffer(samples.inputs, F4)).all():
            raise Reject("inputs_invalid", "inputs must be finite: models are trained on them")


def check_of(contract: ModelRegistered, features: list[str]) -> Check:
    """Lay a contract out for samples with these features.

    Raises:
        Reject: `personal_data`, `feature_unknown`, `feature_missing`.
    """
    personal = [name for name in features if name in contract.personal_features]
    if personal and contract.on_personal == "refuse":
        raise Reject("personal_data", f"feature {personal[0]} is personal and must not be sent")
    names = [name for name in features if name not in personal]
    listed = {feature.name: feature for feature in contract.features}
    unknown = [name for name in names if listed and name not in listed]
    if unknown:
        raise Reject(
            "feature_unknown", f"feature {unknown[0]} is not in the contract: {', '.join(sorted(listed))}"[:500]
        )
    required = [name for name, feature in listed.items() if feature.required]
    absent = [name for name in required if name not in names]
    if absent:
        raise Reject("feature_missing", f"required feature {absent[0]} is not among the columns")
    bounds = [(listed[name].low, listed[name].high) if listed else (None, None) for name in names]
    low = [-_LARGEST if low is None else low for low, _ in bounds]
    high = [_LARGEST if high is None else high for _, high in bounds]
    return Check(
        contract=contract,
        sent=features,
        kept=[i for i, name in enumerate(features) if name not in personal] if personal else None,
        names=names,
        low=_column(low),
        high=_column(high),
        required=[names.index(name) for name in required] or None,
    )


def _column(limits: list[float]) -> NDArray[np.float32]:
    """Round limits as the values were rounded, so that a value at its limit is inside."""
    return np.clip(limits, -_LARGEST, _LARGEST).astype(np.float32).reshape(-1, 1)
