"""A registration that names no features is completed from the first rows: what is not named is not watched."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Reject
from homeostat.events import FeatureContract, ModelRegistered, Samples

_MOST: Final = 1000
"""Features that are learned; a contract may name more."""


@dataclass(slots=True)
class Learning:
    """The features that came so far.

    Args:
        n_rows: Rows that had any.
        names: In the order in which they came.
    """

    n_rows: int = 0
    names: list[str] = field(default_factory=list)

    def learn(self, samples: Samples, contract: ModelRegistered, enough: int) -> ModelRegistered | None:
        """Take note of the features of admitted rows.

        Args:
            samples: Without personal columns.
            contract: The registration; names no features.
            enough: Rows after which the names are known.

        Returns:
            The registration with the features, once there are enough rows. None is required and none has limits: what
            is missing is for the detector to see.

        Raises:
            Reject: `feature_unknown`: there are too many; nothing has changed.
        """
        if not samples.features:
            return None
        fresh = [name for name in samples.features if name not in self.names]
        if len(self.names) + len(fresh) > _MOST:
            raise Reject("feature_unknown", f"more than {_MOST} features are not learned: register the model with them")
        self.names += fresh
        self.n_rows += samples.n_rows
        if self.n_rows < enough:
            return None
        features = tuple(FeatureContract(name=name) for name in self.names)
        return contract.model_copy(update={"features": features, "learned_rows": self.n_rows})
