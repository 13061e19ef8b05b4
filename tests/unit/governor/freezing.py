"""Set and lift a freeze."""

from tests.unit.governor.driver import SCOPE, GovernorDriver

from homeostat.events import (
    FreezeLifted,
    FreezeSet,
)


def freeze(court: GovernorDriver, scope: str = SCOPE) -> None:
    """Nothing new in the scope."""
    court.law(FreezeSet(scope=scope), "root", subject=scope)


def lift(court: GovernorDriver, scope: str = SCOPE) -> list[object]:
    """Go on."""
    return [emit.data for emit in court.law(FreezeLifted(scope=scope), "root", subject=scope)]
