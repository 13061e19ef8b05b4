"""`make quick` runs what a change can break, and nothing else."""

import pytest
from tests.quick import targets

FOLDS = ["tests/conformance/test_folds.py", "tests/replay"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("services/governor/fold.py", ["tests/unit/governor", *FOLDS]),
        ("services/rollout_actuator/hand.py", ["tests/unit/rollout_actuator"]),
        ("shared/homeostat/stats/ebh.py", ["tests/unit/stats", *FOLDS]),
        ("shared/homeostat/client/client.py", ["tests/unit/client"]),
        ("shared/homeostat_tools/cli/app.py", ["tests/unit/cli"]),
        ("shared/homeostat/client/nowhere/x.py", ["tests/unit/client"]),
        ("tests/unit/cli/system.py", ["tests/unit/cli"]),
        ("tests/unit/testing/test_quick.py", ["tests/unit/testing/test_quick.py"]),
        ("tests/unit/core/test_nowhere.py", []),
        ("tests/conftest.py", []),
        ("README.md", ["tests/contract/test_docs.py"]),
        ("services/README", []),
        ("Makefile", []),
    ],
)
def test_a_change_names_its_tests(path: str, expected: list[str]) -> None:
    """Paths that are not there are left out."""
    assert targets([path]) == expected
