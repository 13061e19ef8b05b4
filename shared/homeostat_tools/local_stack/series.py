"""Series of a process of this machine, as its metrics port shows them."""

from collections.abc import Collection

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from homeostat_tools.local_stack.loopback import get


def read_series(port: int, names: Collection[str], timeout_seconds: float) -> list[Sample]:
    """Read the samples of some series; those that are not there are left out.

    Args:
        port: Of the process, on the loopback address.
        names: Of the samples, as `homeostat_lag_records`; only their lines are parsed.
        timeout_seconds: See `get`.

    Raises:
        OSError: The process does not answer in time, or answers something else.
    """
    status, text = get(f"http://127.0.0.1:{port}/metrics", timeout_seconds)
    if status != 200:
        raise OSError(f"port {port} answers {status} where metrics should be")
    starts = tuple(start for name in names for start in (f"{name}{{", f"{name} "))
    lines = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(starts))
    return [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
