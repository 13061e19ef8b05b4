"""A key, and an empty audit log."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.auditor.world import AuditLog

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id


@pytest.fixture
def key() -> Key:
    """The auditor's key, the same in every run."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes_raw()
    return Key("auditor", key_id(public), public.hex(), private)


@pytest.fixture
def audit_log() -> AuditLog:
    """An empty audit topic."""
    return AuditLog()
