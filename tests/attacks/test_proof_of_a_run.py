"""A whole run, with trainings, canaries, people, nonsense and poison, has nothing in it that verify would find."""

from tests.support.memory_scenario import rehearse

from homeostat.audit import keys
from homeostat.audit.keyring import Registered
from homeostat.audit.roles import NOTARY
from homeostat.client.memory import MemoryLogs
from homeostat.events.logs import AUDIT
from homeostat.runtime.memory import MemoryLog
from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Chain
from homeostat_lab.demo import memory_loop
from homeostat_tools.cli.auditing import audit
from homeostat_tools.cli.notaries import keyring_of


def digest(log: MemoryLog, key: keys.Key) -> None:
    """Digest every log, and sign."""
    auditor, n = Auditor(Chain(), key), 0
    for topic in log.topics():
        for record in log.all(topic) if topic != AUDIT else ():
            auditor.observe(record)
    for now in (0, 60_000, 120_000):
        for data in auditor.flush(now):
            n += 1
            log.publish(AUDIT, "log", data, id_=str(n), source="/homeostat/auditor")
            auditor.observe(list(log.all(AUDIT))[-1])


def test_an_honest_run_has_no_findings() -> None:
    """Every verdict and command is signed, each effect answers one, and no fold says what it cannot have read."""
    with memory_loop.in_memory() as system:
        rehearse(system)
        notary = system.people.hands[NOTARY]
        digest(system.log, notary)
        logs = MemoryLogs(system.log)
        keyring, refused = keyring_of(logs)

        found = audit(
            logs,
            {notary.key_id: Registered(notary.public_key_hex, "notary")},
            keyring,
            refused,
            now=system.log.now,
            late_ms=600_000,
        )

    assert [one for one in found.findings if one.kind != "begun_anew"] == []  # all is digested at the end of the run
    assert found.n_records > 1000
    assert found.n_signed == found.n_leaves
