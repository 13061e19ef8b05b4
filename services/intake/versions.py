"""Which versions of a model are no surprise: registered, deployed, or tried as a candidate before.

The door sees registrations and deployments, and not the commands of rollouts. A candidate is known by its role; what
answers as champion without any of these is told once, and refused only where the contract lists its versions.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.admission.versions import is_listed
from homeostat.core import Reject
from homeostat.events import ModelRegistered

_MOST: Final = 64
"""Versions that are remembered; the one that was heard of longest ago makes room."""


@dataclass(slots=True)
class Versions:
    """The last versions of a model.

    Args:
        known: In the order in which they were heard of last.
    """

    known: list[str] = field(default_factory=list)

    def announce(self, version: str) -> None:
        """Take note of a version."""
        if self.known and self.known[-1] == version:
            return
        if version in self.known:
            self.known.remove(version)
        self.known.append(version)
        del self.known[:-_MOST]

    def check(self, contract: ModelRegistered, version: str) -> bool:
        """Say whether a version is known; one that the contract lists is.

        Raises:
            Reject: `version_unknown`: the contract lists its versions, and this is none of them.
        """
        is_known = version in self.known
        if is_known or contract.versions is None:
            return is_known
        if not is_listed(contract, version):
            raise Reject(
                "version_unknown",
                f"version {version} is not among those that the contract lists, nor the champion {contract.champion}, "
                "nor deployed: register it, or say deployment.observed",
            )
        return True
