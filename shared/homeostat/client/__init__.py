"""What users import: publish telemetry and traces, ask for things, follow policies, start warm."""

from homeostat.client.client import Client
from homeostat.client.errors import DeliveryFailed, KeyNeeded, QueueFull
from homeostat.client.policies import Listener, Policies, Policy
from homeostat.commands import NotaryKeyMissing
from homeostat.feature_store import FeatureStore

__all__ = [
    "Client",
    "DeliveryFailed",
    "FeatureStore",
    "KeyNeeded",
    "Listener",
    "NotaryKeyMissing",
    "Policies",
    "Policy",
    "QueueFull",
]
