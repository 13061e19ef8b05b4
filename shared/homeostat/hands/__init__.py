"""An actuator of one's own: functions that are called with approved commands, and whose outcome is reported.

    from homeostat.hands import Actuator, Order

    def set_weights(order: Order) -> None:
        router.route(order.model, order.champion, order.canary, order.weight)

    Actuator("router", rollout=set_weights).run()

Signed law names it: `homeostat keys create router --role hand:router/rollout --by operator` lets it answer for every
scope, `homeostat roles grant router hand:router/rollout@shop` for one.
"""

from homeostat.hands.actuator import Actuator
from homeostat.hands.order import Order

__all__ = ["Actuator", "Order"]
