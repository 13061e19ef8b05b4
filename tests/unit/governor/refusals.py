"""What a governor refuses, and what that leaves."""

import pytest
from tests.unit.governor.driver import SCOPE, GovernorDriver
from tests.unit.governor.emits import one

from homeostat.codec import encode_state
from homeostat.events import Data, EventRefused
from homeostat.services.governor.authorization import Unproven


def refused(court: GovernorDriver, data: Data, subject: str = SCOPE) -> str:
    """Reason of a refusal. What nobody has signed leaves the state as it was; a signature that counts is spent."""
    before = encode_state(court.state)
    unproven = ""
    try:
        emits = court.tell(data, subject=subject)
    except Unproven as reject:
        unproven = reject.reason
    if unproven:
        assert encode_state(court.state) == before
        return unproven
    with pytest.raises(Unproven, match="replayed"):
        court.tell(data, subject=subject)
    return one(emits, EventRefused).reason
