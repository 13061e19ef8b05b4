"""A whole system in memory for one model: our folds, the hands that train and roll out, a governor."""

from pathlib import Path
from typing import Any, Final

from homeostat.artifacts import ArtifactStore
from homeostat.audit.roles import NOTARY
from homeostat.core.identity import scope_of
from homeostat.events import ApprovalGiven, BudgetSet, RulesSet
from homeostat.runtime import registry
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryHands, MemoryLoop
from homeostat.runtime.rehearsal import Rehearsal
from homeostat.runtime.signer import sign_with
from homeostat.testing.enrolled import Enrolled

_MONEY: Final = 1e9
_DAY_MS: Final = 86_400_000


class TrialSystem:
    """What a trial runs in; nothing of it is seen outside of this process.

    Args:
        store: Artifacts.
        workdir: Folder for the jobs of trainings.
        data_dir: Folder of this machine's data, whose recipes are run.
        target: What rollouts act on.
        now_ms: First value of its clock.
    """

    def __init__(self, store: ArtifactStore, workdir: Path, data_dir: Path, target: Any, now_ms: int) -> None:
        self.log = MemoryLog(partitions=1, start_ms=now_ms)
        self._people, self._n = Enrolled(self.log), 0
        notary = self._people.hands[NOTARY]
        public = {notary.key_id: notary.public_key_hex}
        rehearsal = Rehearsal(self.log, store, workdir, data_dir, target)
        folds = [registry.make_fold(entry) for entry in registry.folds().values() if entry.is_ours]
        hands = []
        for entry in registry.hands().values():
            if entry.is_ours and entry.rehearse:
                hand = registry.load(entry.rehearse)(rehearsal)
                runner = HandRunner(hand, public_keys=public, key=self._people.hands[hand.name])
                hands.append(MemoryHands(self.log, hand, runner))
        self._loop = MemoryLoop(self.log, folds, hands, sign_with(notary))
        self._people.enrol()
        self._loop.settle()

    def govern(self, scope: str, rules: RulesSet) -> None:
        """Set the law of a scope, and money that nothing fails for."""
        self._people.request(rules.model_copy(update={"scope": scope}), scope)
        self._people.request(BudgetSet(scope=scope, money=_MONEY, period_ms=_DAY_MS), scope)
        self._loop.settle()

    def approve(self, action: str, model: str) -> None:
        """Say yes to an action that waits for a person."""
        self._people.request(ApprovalGiven(action=action, reason="a trial"), scope_of(model))
        self._loop.settle()

    def publish(self, topic: str, subject: str, data: Any) -> None:
        """Write to a door.

        Args:
            topic: Of the door.
            subject: Key.
            data: Payload.
        """
        self._n += 1
        self.log.publish(topic, subject, data, id_=str(self._n), source="/homeostat/try")

    def advance(self, millis: int) -> None:
        """Let time pass and everybody do what there is to do."""
        self._loop.settle()
        self._loop.advance(millis)
