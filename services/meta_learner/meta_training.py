"""When initial weights are learned from few-shot tasks, which are counted by who published them."""

from collections.abc import Collection
from dataclasses import dataclass, field

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import ActionSettled, Arm, MetaTraining, MetaTrainingProposed, Range, TaskRecorded, VerdictGiven
from homeostat.events.logs import GOVERNANCE, TASKS
from homeostat.events.sources import rests_on, shared_name
from homeostat.services.meta_learner.denials import Denial
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.stats.keyed_rng import Draws


@dataclass(slots=True)
class TrainingTasks:
    """Few-shot tasks since the last meta-training, by their source: those of a distrusted one are none.

    Args:
        new: Since the last proposal.
        total: All.
        asked: Those that were there when it was proposed.
        source: Event source that their range lies in; `first`, `last` and `since` are its ends and its begin, ms.
        first: `ce_id` of the first task.
        last: `ce_id` of the last one.
        since: Broker time of the first, ms.
        seconds: What the last meta-training took.
        open_action: The meta-training in flight.
        current: Artifact that it continues from.
        n_denied: How often it was denied in a row.
        again_at: When it is proposed again, ms.
    """

    new: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    source: str = ""
    first: str = ""
    last: str = ""
    since: int = 0
    seconds: float = 0.0
    open_action: str = ""
    current: str | None = None
    n_denied: int = 0
    again_at: int | None = None

    def update(self, event: Event, data: TaskRecorded, distrusted: Collection[str], most: int) -> bool:
        """Count a task; its arrays lie on the tasks log, as the first emit of the same input.

        Args:
            event: That tells of it.
            data: The task.
            distrusted: Sources whose tasks are none.
            most: Sources that are told apart; further ones share names.

        Returns:
            Whether it was counted.
        """
        offset, _, ordinal = event.id.partition(".")
        source = "" if data.provenance is None else data.provenance.source
        if ordinal != "1" or source in distrusted:
            return False  # without arrays it is the only emit, and there is nothing to train on
        at = f"{offset}.0"
        if event.source != self.source:  # the log was made again: a range lies in one source
            self.source, self.first, self.since, self.new, self.total = event.source, at, event.time, {}, {}
        self.last = at
        for counts in (self.new, self.total):
            name = source if source in counts or len(counts) < most else shared_name(source)
            counts[name] = counts.get(name, 0) + 1
        return True

    def propose(
        self,
        event: Event,
        ordinal: int,
        current: str | None,
        distrusted: Collection[str],
        principals: dict[str, str],
        price_per_second: float,
        settings: LearnerSettings,
    ) -> tuple[Emit, ...]:
        """Propose to learn initial weights from the tasks so far, if there are enough and no training is in flight.

        Args:
            event: That led to it.
            ordinal: Of the emit.
            current: Artifact to continue from.
            distrusted: Sources that are left out.
            principals: Holder, by public key.
            price_per_second: Of training.
            settings: Of the learner.
        """
        n_new, n_total = _count(self.new, distrusted), _count(self.total, distrusted)
        if n_new < settings.tasks_per_training or self.open_action:
            return ()
        window = Range(
            log=TASKS,
            subject=event.subject,
            source=self.source,
            first=self.first,
            last=self.last,
            from_time=self.since,
            rows=n_total,
        )
        proposal = MetaTrainingProposed(
            family=event.subject,
            chosen="maml",
            arms=(Arm(name="maml", propensity=1.0),),
            window=window,
            meta_training=MetaTraining(
                window=window,
                n_steps=settings.training_steps,
                seed=int(Draws(event.identity).uniform(1)[0] * 2**31),
                current=current,
                excluded_sources=tuple(distrusted),
                seats=dict(sorted(principals.items())),
            ),
            money=(self.seconds or settings.first_meta_seconds) * price_per_second,
            slots=1,
            evidence=(event.identity,),
            reason=f"{n_new} new tasks of {n_total}",
        )
        self.asked, self.new, self.open_action = self.new, {}, event.emit_identity(ordinal)
        self.current = current
        return (Emit(GOVERNANCE, proposal, scope_of(event.subject)),)

    def end(self, action: str, family: str, seconds: float, price_per_second: float) -> Emit:
        """Note that a meta-training is over, and publish its cost; the next one is expected to take as long.

        Args:
            action: That is over.
            family: `scope/family`.
            seconds: It took.
            price_per_second: Of training.
        """
        if self.open_action == action:
            self.open_action, self.n_denied = "", 0
        self.seconds = seconds
        settled = ActionSettled(action=action, kind="meta_training", state="done", cost=seconds * price_per_second)
        return Emit(GOVERNANCE, settled, scope_of(family))

    def deny(self, verdict: VerdictGiven, now: int) -> None:
        """Take a meta-training back that was denied or has expired; if time may help, its tasks count again."""
        if verdict.action != self.open_action:
            return
        self.open_action = ""
        wait = Denial.of(verdict, self.n_denied).wait_ms if verdict.verdict == "denied" else None
        if wait is not None:
            for name, n in self.asked.items():
                self.new[name] = self.new.get(name, 0) + n
            self.again_at = now + wait
            self.n_denied += 1

    def release(self, now: int) -> None:
        """Let it be proposed again at once: the rules have changed."""
        if self.again_at is not None:
            self.again_at = min(self.again_at, now)

    def is_due(self, now: int) -> bool:
        """Tell whether it is to be proposed again now; it then waits no more."""
        is_due = self.again_at is not None and self.again_at <= now
        if is_due:
            self.again_at = None
        return is_due


def _count(counts: dict[str, int], distrusted: Collection[str]) -> int:
    return sum(n for name, n in counts.items() if not rests_on([name], distrusted))
