"""A model that got no policy is in every figure of the time to a policy."""

import pytest

from homeostat.codec import Output
from homeostat_lab.bench.policy import latencies
from homeostat_lab.bench.row import BenchFailed


def moments(n: int) -> list[tuple[Output, float]]:
    return [(Output("t", 0, str(i).encode(), b"", []), float(i)) for i in range(n)]


def test_models_without_a_policy_wait_for_ever() -> None:
    """One of forty is in the upper quantile, three are in the 95th, and both are told."""
    sent = moments(40)
    told = {out.key: at + 0.001 for out, at in sent}
    applied = {out.key: at + 0.010 for out, at in sent}
    del applied[b"7"]

    p50, p95, without = latencies(sent, told, applied)

    assert p50.value == pytest.approx(10.0)
    assert p95.value == pytest.approx(10.0)
    assert (without.value, without.name.endswith("that got none of 40")) == (1.0, True)
    del applied[b"8"], applied[b"9"]
    _, p95, without = latencies(sent, told, applied)
    assert (p95.value, p95.reference) == (None, "3 of 40 models got no policy")
    assert without.value == 3.0


def test_half_without_a_policy_is_no_measurement() -> None:
    """It is said instead."""
    with pytest.raises(BenchFailed, match="4 of 4"):
        list(latencies(moments(4), {}, {}))
