"""What a governor's state says of serving."""

from tests.unit.governor.driver import MODEL, GovernorDriver

from homeostat.events import (
    RulesSet,
)

LIFE_MS = RulesSet().action_ttl_ms


def champion(court: GovernorDriver) -> tuple[str, str | None]:
    """What the books say: champion, and version to go back to."""
    model = court.state.registry.models[MODEL]
    return model.champion, model.last_good
