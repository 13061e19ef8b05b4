"""What of the state people have set, for those who look at it or change it."""

from homeostat.events.policy_state import PolicyState
from homeostat.services.governor.state import State


def policy_state(state: State) -> PolicyState:
    """Return what is in force; shares nothing that a later step changes.

    Args:
        state: Of the governor; not changed.
    """
    found = PolicyState(
        rules={scope: rules.model_copy(update={"provenance": None}) for scope, rules in state.rules.items()},
        scopes=dict(state.configured),
        roles={principal: set(granted) for principal, granted in state.keyring.roles.items()},
        keys={key_id: key.principal for key_id, key in state.keyring.keys.items() if not key.is_revoked},
        freezes=dict(state.freezes),
    )
    for scope, budget in state.budgets.by_scope.items():
        if not budget.is_default:
            found.add_budget(scope, budget.money, budget.period_ms)
    for name, model in state.registry.models.items():
        found.add_model(name, model.tier, model.owner, is_regulated=model.is_regulated, rollout=model.rollout)
    return found
