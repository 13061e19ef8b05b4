"""What users import: publish telemetry and traces, ask for things, follow policies, start warm."""

from homeostat.client.client import Client
from homeostat.client.policies import Listener, Policies, Policy
from homeostat.client.producing import DeliveryFailed
from homeostat.features import FeatureStore

__all__ = ["Client", "DeliveryFailed", "FeatureStore", "Listener", "Policies", "Policy"]
