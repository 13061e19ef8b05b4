"""Alertmanager's webhook.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.node import document
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.target import Target


def webhook(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read a notification: per alert a signal `alert.<alertname>`, 1 when it began, 0 when it was resolved.

    Args:
        payload: JSON, version 4.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none.
    """
    events = []
    for alert in document(payload)["alerts"].items():
        labels = {name: label.text() for name, label in alert["labels"].fields().items() if label.value != ""}
        name = alert["labels"]["alertname"].text()
        is_firing = alert["status"].text() == "firing"
        time = alert["startsAt" if is_firing else "endsAt"].millis()
        del labels["alertname"]
        events.append(
            signal(target, alert.path, time, "observability", f"alert.{name}", float(is_firing), labels=labels)
        )
    return in_order(events)
