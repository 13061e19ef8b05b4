"""A governor to drive."""

import pytest
from tests.unit.governor.driver import GovernorDriver


@pytest.fixture
def court() -> GovernorDriver:
    """A governor with one model."""
    return GovernorDriver()
