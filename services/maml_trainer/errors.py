"""What the training engine refuses.

Reject
├── TaskMalformed      a task's arrays cannot be trained on
├── WeightsMalformed   bytes that are not weights of this engine
├── NetworkRefused     a user's network that cannot be trained exactly
├── CurrentUnfit       the weights in force are of another shape than every task
└── DivergedError      a meta-training run left the finite numbers
Halt
└── SelfCheckFailed    the engine's meta-gradient is wrong on this machine
"""

from homeostat.core.errors import Halt, Reject


class TaskMalformed(Reject):
    """The arrays of a task do not satisfy the contract of `Task`, or of the network it is meant for."""

    def __init__(self, task_id: str, detail: str) -> None:
        super().__init__("task_malformed", f"task {task_id!r}: {detail}")
        self.task_id = task_id


class WeightsMalformed(Reject):
    """Bytes were read as weights and are none; the digest or the writer is wrong."""

    def __init__(self, detail: str) -> None:
        super().__init__("weights_malformed", detail)


class NetworkRefused(Reject):
    """A user's network is not there, or would train wrongly without a sign of it."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__("network_refused", f"network {path}: {detail}")
        self.path = path


class CurrentUnfit(Reject):
    """No task fits the weights in force: nothing could be held against them.

    A command without current weights starts anew.

    Args:
        current: Shape that the weights take and give.
        tasks: Shape that most tasks have.
        n: How many.
    """

    def __init__(self, current: str, tasks: str, n: int) -> None:
        detail = f"the weights are for {current}, {n} tasks have {tasks}; leave `current` out to start anew"
        super().__init__("current_does_not_fit", detail)
        self.current, self.tasks, self.n = current, tasks, n


class DivergedError(Reject):
    """Meta-training became non-finite; nothing of the run may be published.

    Args:
        step: Step of the run, from 0, at which it was seen.
        where: `query_loss` (the adapted loss), `meta_gradient` or, of a baseline, `pretrain_gradient`.
    """

    def __init__(self, step: int, where: str) -> None:
        super().__init__("diverged", f"{where} is not finite at step {step}; the last good weights stay")
        self.step, self.where = step, where


class SelfCheckFailed(Halt):
    """The meta-gradient of the engine differs from its definition.

    Operator: do not serve with this build of torch; go back to the last one that passed.

    Args:
        case: What was computed.
        error: Relative.
        tolerance: That it exceeds.
        is_of_values: The gradient of the plain loop is not the slope of its own values; else engine and loop differ.
    """

    def __init__(self, case: str, error: float, tolerance: float, *, is_of_values: bool = False) -> None:
        super().__init__(f"{case}: relative error {error:.3g} exceeds {tolerance:.3g}; change the torch build")
        self.case, self.error, self.tolerance, self.is_of_values = case, error, tolerance, is_of_values
