"""What users import: publish telemetry and traces, ask for things, follow policies, start warm."""

from homeostat.client.client import Client
from homeostat.client.policies import Listener, Policies, Policy
from homeostat.client.producing import DeliveryFailed

__all__ = ["Client", "DeliveryFailed", "Listener", "Policies", "Policy"]
