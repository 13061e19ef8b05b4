"""Daily business: proofs, refusals, features."""

import time
from collections.abc import Iterator
from typing import Final

from homeostat.events import LogDigested
from homeostat.events.logs import AUDIT, GOVERNANCE
from homeostat_tools.cli.checks.check import Check, Context, fail, ok, warn

_DAY_MS: Final = 86_400_000
_UNDIGESTED: Final = 1000
"""Records of governance that may wait for their proof."""

_NEWEST: Final = 5000
"""Records of the audit log among which the newest digest of governance lies."""


def audit(context: Context) -> Iterator[Check]:
    """What was decided is digested soon."""
    from homeostat.core import Reject
    from homeostat_tools.cli.rendering import event_of

    (end,) = [high for _, high in context.logs.ranges([GOVERNANCE]).values()]
    digested = 0
    for record in context.logs.read([AUDIT], last=_NEWEST):
        try:
            data = event_of(record).data
        except Reject:
            continue
        if isinstance(data, LogDigested) and data.log == GOVERNANCE:
            digested = max(digested, data.last + 1)
    if end - digested > _UNDIGESTED:
        detail = f"{end - digested} records of governance are not digested: the auditor does not run, or is behind"
        yield fail("audit", detail, "homeostat up" if context.is_local else "start the auditor")
    elif end:
        yield ok("audit", f"{digested} of {end} records of governance are digested")


def quarantine(context: Context) -> Iterator[Check]:
    """What was refused is looked at."""
    from homeostat_tools.cli.refusals import not_kept, refusals

    since = int(time.time() * 1000) - _DAY_MS
    waiting = [one for one in refusals(context.logs, since=since) if one.replayed_at is None]
    if waiting:
        reasons = sorted({one.data.reason for one in waiting})
        detail = f"{len(waiting)} records were refused in a day and not replayed: {', '.join(reasons)}"
        detail += f"; {text}" if (text := not_kept(waiting)) else ""
        yield warn("quarantine", detail, "homeostat quarantine list --since 1d")
    else:
        yield ok("quarantine", "nothing was refused in a day that was not replayed")


def features(context: Context) -> Iterator[Check]:
    """The online store is filled, where there is one."""
    from homeostat.feature_store import FeatureStore
    from homeostat.feature_store.errors import FeatureStoreUnavailable, RedisExtraMissing

    url = context.settings.redis_url.get_secret_value()
    if not url:
        return
    try:
        found = FeatureStore(url).summary()
    except FeatureStoreUnavailable as away:
        yield fail("feature store", str(away), "redis-server")
    except RedisExtraMissing:
        return  # said where the extras are
    else:
        yield ok("feature store", f"{found.n_models} models")
