"""A command line over a small system in memory: intake and governor fold whenever something is flushed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from homeostat.audit import keys
from homeostat.audit.keys import Key
from homeostat.client.logs import Place
from homeostat.client.memory import MemoryLogs
from homeostat.core import Fold
from homeostat.core.identity import emit_id, sequence
from homeostat.events import Arm, FeatureContract, ModelRegistered, Range, RetrainProposed
from homeostat.events.logs import GOVERNANCE, TELEMETRY
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.runtime.signer import sign_with
from homeostat.services.governor.fold import Governor
from homeostat.services.intake.reports import ReportsIntake
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake
from homeostat_tools.cli.app import app


class LoopLogs(MemoryLogs):
    """Logs behind which the folds run."""

    def __init__(self, notary: Key) -> None:
        super().__init__(MemoryLog())
        folds: list[Fold[Any]] = [TelemetryIntake(), TracesIntake(), RequestsIntake(), ReportsIntake(), Governor()]
        self.loop = MemoryLoop(self.log, folds, sign=sign_with(notary))
        self.is_running = True

    def flush(self) -> None:
        """Fold what was sent."""
        if self.is_running:
            self.loop.settle()

    def committed(self) -> Mapping[str, Mapping[Place, int]]:
        """The governor is always at the end."""
        return {"governor": {(GOVERNANCE, 0): len(self.log.records(GOVERNANCE, 0))}} if self.is_running else {}


class System:
    """The command line with its logs and its data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notary = folder, keys.create(folder / "governor", "notary")
        (folder / "keys").mkdir()
        keys.publish(folder / "keys", self.notary)  # all that a machine without the governor has of it
        self.logs = LoopLogs(self.notary)
        self.log = self.logs.log
        self.stdout = self.stderr = ""

    def __call__(self, *args: str, code: int = 0, stdin: str = "") -> str:
        """Run a command; return its stdout."""
        result = CliRunner().invoke(app, list(args), obj=self.logs, input=stdin)
        self.stdout, self.stderr = result.stdout, result.stderr
        assert result.exit_code == code, (result.exit_code, self.stdout, self.stderr, result.exception)
        return self.stdout

    def json(self, *args: str, code: int = 0) -> list[Any]:
        """Run a command with `--json`; return its lines."""
        return [json.loads(line) for line in self(*args, "--json", code=code).splitlines()]

    def register(self, model: str = "team/m", tier: str = "low") -> None:
        """Make a model known."""
        data = ModelRegistered.model_validate(
            {"family": "f", "champion": "v1", "tier": tier, "features": (FeatureContract(name="x"),)}
        )
        self.log.publish(TELEMETRY, model, data, id_=f"register-{model}", source="/svc")
        self.logs.flush()

    def propose(self, model: str = "team/m", number: int = 1) -> str:
        """Say what the learner would; return the action's id."""
        data = RetrainProposed(
            family="team/f",
            model=model,
            champion="v1",
            chosen="warm",
            arms=(Arm(name="warm", propensity=0.5, predicted_gain=0.1), Arm(name="skip", propensity=0.5)),
            window=Range(log="l", subject=model, source="/s", first="1.0", last="2.0", from_time=0, rows=80),
            money=1.0,
            slots=1,
        )
        source = "/homeostat/meta_learner/homeostat.experience/id/0"
        place = [("ce_sequence", sequence(number).encode())]  # a fold's
        self.log.publish(GOVERNANCE, "team", data, id_=emit_id(number), source=source, headers=place)
        self.logs.flush()
        return f"{source}#{number}.0"
