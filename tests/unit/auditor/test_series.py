"""What the auditor shows: how far it is, and for how long nobody could prove it."""

from tests.unit.auditor.test_auditor import pump
from tests.unit.auditor.world import AuditLog, record

from homeostat.audit.keys import Key
from homeostat.services.auditor.auditor import CHECKPOINT_MS, MAX_RECORDS, Auditor
from homeostat.services.auditor.chain import Chain
from homeostat.services.auditor.series import AuditSeries


def shown(series: AuditSeries, now: float, *, has_lease: bool = True) -> dict[str, float]:
    """Value by name."""
    return {
        sample.name.removeprefix("homeostat_audit_"): sample.value
        for metric in series.collect(now, has_lease=has_lease)
        for sample in metric.samples
    }


def test_the_age_counts_while_a_leaf_is_not_under_a_kept_checkpoint(key: Key, audit_log: AuditLog) -> None:
    """From the first look that saw it, or from the checkpoint before; an idle system has none."""
    auditor, series = Auditor(Chain(), key), AuditSeries()
    idle = shown(series, 5.0)["checkpoint_age_seconds"]
    for offset in range(MAX_RECORDS + 7):
        auditor.observe(record(offset))
    waiting = auditor.n_waiting
    pump(auditor, audit_log, 0)
    series.seen(auditor)

    first, later = (shown(series, now)["checkpoint_age_seconds"] for now in (10.0, 70.0))
    pump(auditor, audit_log, CHECKPOINT_MS)
    assert auditor.signed is not None
    series.kept(80.0, auditor.signed.tree_size)
    series.seen(auditor)

    assert (idle, waiting, first, later) == (0.0, 7, 0.0, 60.0)
    assert shown(series, 90.0) == {
        "leaves_total": 0,
        "lease": 1.0,
        "tree_size": 2,
        "lag_records": 0,
        "checkpoint_age_seconds": 10.0,
    }
    assert shown(series, 90.0, has_lease=False)["checkpoint_age_seconds"] == 0.0
