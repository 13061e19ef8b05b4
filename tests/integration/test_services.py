"""The real services on a real Kafka: killed, stopped, woken, rebalanced, frozen, fed with nonsense; nothing is lost."""

import json
from typing import Any

import pytest
from tests.support.live_chaos import PATIENCE_SECONDS, Ordeal
from tests.support.memory_scenario import EVENTFUL
from tests.support.two_stage import wait_until
from typer.testing import CliRunner

from homeostat.audit.verify import verify_chain, verify_log
from homeostat.codec import decode_event
from homeostat.events import (
    CheckpointSigned,
    LogDigested,
    RetrainStart,
)
from homeostat.events.logs import (
    AUDIT,
    LOGS,
    POLICY_RETRAIN,
    TIMELINE,
)
from homeostat_lab.demo.memory_loop import folds
from homeostat_lab.demo.play import payloads
from homeostat_lab.demo.proof import prove
from homeostat_lab.demo.world import World
from homeostat_tools.cli.app import app

pytestmark = pytest.mark.kafka


STATIONS, FIRST, ROUNDS = 6, 40, 80
"""Of the world `EVENTFUL`, in which nothing happens before event 40."""


def test_what_is_published_is_the_fold_of_the_input(running: Ordeal) -> None:
    """Two kills, one zombie, one rebalance: 0 lost, 0 doubled, and every decision is derived again."""
    rounds = iter(range(FIRST, FIRST + ROUNDS))
    running.install(World(EVENTFUL, STATIONS, FIRST + ROUNDS))

    def play(n: int, *, is_paced: bool = True) -> None:
        for _ in range(n):
            running.play(next(rounds), is_paced=is_paced)

    play(15)
    running.kill("intake")
    play(5, is_paced=False)
    running.kill("deciders")
    running.kill("law")
    play(20)
    with running.another("drift_detector") as port:
        running.await_partitions(port, TIMELINE, 1)
        play(5)
        with running.frozen("detector"):
            play(5, is_paced=False)
            running.await_partitions(
                port, TIMELINE, running.system.n_partitions(TIMELINE)
            )  # the other has been given up
            play(5, is_paced=False)
        play(10)  # the zombie has said what it was about to say, and joins again
    play(15)
    running.settle()

    found, report = running.exactness(), prove(running.system, folds())
    assert found.is_exact, found
    assert found.n_outputs > 1000
    assert (report.differences, report.n_equal) == ((), found.n_outputs)
    assert payloads(running.system, POLICY_RETRAIN, RetrainStart.TYPE), "nothing drifted: the run shows too little"


def test_the_audit_log_proves_every_log(running: Ordeal) -> None:
    """Leaves are one chain, signed by the notary, and every record of every log is what was digested."""
    notary, _ = running.stack.keys()
    running.settle()
    logs = [log.name for log in LOGS if log.name != AUDIT]

    def audited(payload: type[LogDigested] | type[CheckpointSigned]) -> list[Any]:
        records = (r for r in running.system.records(AUDIT) if dict(r.headers)["ce_type"] == payload.TYPE.encode())
        return [decode_event(record, time=0, emitter="", is_door=False).data for record in records]

    def is_complete() -> bool:
        leaves = [leaf for leaf in audited(LogDigested) if leaf.log in logs]
        n_digested = sum(leaf.last - leaf.first + 1 for leaf in leaves)
        signed = max((checkpoint.tree_size for checkpoint in audited(CheckpointSigned)), default=0)
        return n_digested >= running.n_written() and signed == len(audited(LogDigested))

    wait_until(is_complete, PATIENCE_SECONDS)

    leaves = audited(LogDigested)
    chain = verify_chain(leaves, audited(CheckpointSigned), {notary.key_id: notary.public_key_hex})
    assert chain.findings == ()
    assert chain.n_signed == chain.n_leaves == len(leaves)
    for log in logs:
        partitions: dict[int, list[Any]] = {}
        for record in running.system.records(log):
            partitions.setdefault(record.partition, []).append(record)
        for records in partitions.values():
            verified = verify_log(leaves, records)
            assert (verified.findings, verified.n_records) == ((), len(records))
    result = CliRunner().invoke(app, ["audit", "verify", "--json", "--data-dir", str(running.stack.data_dir)])
    found = json.loads(result.stdout)["findings"]
    assert (found[:3], len(found), result.exit_code) == ([], 0, 0)  # and who wrote them was entitled to
