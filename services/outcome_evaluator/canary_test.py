"""The sequential test of a canary against the reference, step by step of its rollout."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Plan
from homeostat.stats.paired import PairedEProcess

Floats = NDArray[np.float64]


@dataclass(slots=True)
class CanaryTest:
    """Evidence of all steps, and how long the step of now has lasted.

    Args:
        evidence: Two e-processes over the pairs.
        canary_errors: Sum over the pairs.
        reference_errors: Sum over the pairs.
        step: Of the rollout, -1 before the first.
        step_labels: Labelled pairs in this step.
        step_started_at: Broker time, ms.
        is_soaked: It was looked at when its time was over.
        last_judgement: Of this step; another one is emitted only when it differs.
    """

    evidence: PairedEProcess = field(default_factory=PairedEProcess)
    canary_errors: float = 0.0
    reference_errors: float = 0.0
    step: int = -1
    step_labels: int = 0
    step_started_at: int = 0
    is_soaked: bool = False
    last_judgement: str = ""

    def start_step(self, step: int, now: int) -> None:
        """Soak anew; the evidence stays. A step that is set again goes on.

        Args:
            step: Its number.
            now: Broker time, ms.
        """
        if step != self.step:
            self.step, self.step_labels, self.last_judgement = step, 0, ""
            self.step_started_at, self.is_soaked = now, False

    def update(self, canary: Floats, reference: Floats) -> None:
        """Count pairs of errors, in order, so that nothing depends on how rows are cut into events.

        Args:
            canary: (n,) in [0, 1].
            reference: (n,) in [0, 1].
        """
        self.evidence = self.evidence.observe(canary, reference)
        for error in canary.tolist():
            self.canary_errors += error
        for error in reference.tolist():
            self.reference_errors += error
        self.step_labels += len(canary)

    def next_check_at(self, plan: Plan) -> int | None:
        """When the step has lasted as long as it must, ms; None where that is not all that is waited for.

        Args:
            plan: With the soak, in labels and in seconds.
        """
        if self.step < 0 or self.is_soaked or not plan.soak_seconds or self.step_labels < plan.soak_labels:
            return None
        return self.step_started_at + round(1000 * plan.soak_seconds)
