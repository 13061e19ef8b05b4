"""A system in memory with a notary and an auditor, as the services run them."""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.system import System

from homeostat.artifacts import open_pointer
from homeostat.audit import keys
from homeostat.audit.kept import write_checkpoint
from homeostat.core import Fold
from homeostat.events.logs import AUDIT
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.runtime.signer import sign_with
from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Chain
from homeostat.services.auditor.resuming import resume_kept
from homeostat.services.governor.fold import Governor
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake
from homeostat_tools.cli.notaries import keyring_of


class ProvenSystem(System):
    """Intake and a governor whose words are signed; `prove` is what the auditor does, `restart` begins it anew.

    Args:
        folder: Data folder; the notary's key and the kept checkpoint lie there.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.log.now = int(time.time() * 1000)
        self.notary = keys.create(folder / "keys", "notary")
        self.logs.loop = self._loop()
        self.kept = open_pointer(folder / "audit" / "checkpoint.json")
        self.auditor = Auditor(Chain(), self.notary)
        self._n_written = 0

    def _loop(self) -> MemoryLoop:
        folds: list[Fold[Any]] = [TelemetryIntake(), TracesIntake(), RequestsIntake(), ReportsIntake(), Governor()]
        return MemoryLoop(self.log, folds, sign=sign_with(self.notary))

    def restart_services(self) -> None:
        """Stop everything cleanly and start it again: it reads its keys anew."""
        for host in self.logs.loop.hosts:
            for assignment in host.assignments:
                assignment.snapshot(is_clean=True)
        self.notary = keys.load(self.folder / "keys", "notary")
        self.logs.loop = self._loop()

    def govern(self) -> None:
        """Make a root key and a model known."""
        self("keys", "create", "operator")
        self.register()

    def restart(self) -> None:
        """Begin the auditor anew, from the audit log and the kept checkpoint.

        Raises:
            Halt: It refuses.
        """
        written, topic_id = list(self.log.all(AUDIT)), self.log.topic_id(AUDIT)
        known = keys.public_keys(self.folder / "keys", "notary")
        chain = resume_kept(written, topic_id, self.kept.read(), self.kept.url, known, lambda: keyring_of(self.logs)[0])
        self.auditor = Auditor(chain, self.notary)

    def prove(self) -> None:
        """Digest every log and the snapshots, sign, and keep the checkpoint outside."""
        for topic in self.log.topics():
            if topic != AUDIT:
                for record in self.log.all(topic):
                    self.auditor.observe(record)
        start = self.log.now
        for now in (start, start + 40_000, start + 80_000):
            for data in self.auditor.flush(now):
                self._n_written += 1
                self.log.publish(AUDIT, "log", data, id_=str(self._n_written), source="/homeostat/auditor")
                self.auditor.observe(list(self.log.all(AUDIT))[-1])
        if self.auditor.signed is not None:
            self.kept.write(write_checkpoint(self.auditor.signed))

    def findings(self, *arguments: str, code: int = 6) -> list[tuple[str, str]]:
        """What `homeostat audit verify` finds: kind, and the log or leaf."""
        (report,) = self.json("audit", "verify", *arguments, code=code)
        return [(found["kind"], found["where"].partition("[")[0]) for found in report["findings"]]


def proven_system(folder: Path, patch: pytest.MonkeyPatch) -> ProvenSystem:
    """Intake, governor, notary and auditor in memory; one model, one approved action, all of it digested and signed."""
    patch.setenv("HOMEOSTAT_DATA_DIR", str(folder))
    patch.setenv("NO_COLOR", "1")
    patch.setattr("homeostat_tools.cli.responses._SETTLE_SECONDS", 0.0)  # nothing is on its way
    system = ProvenSystem(folder)
    system.govern()
    system.propose()
    system.prove()
    return system
