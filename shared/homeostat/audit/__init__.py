"""Signatures, keys and proofs: what was decided cannot be changed afterwards without a trace."""

from homeostat.audit.keys import Key, KeyExists, KeyMissing, KeyUnusable
from homeostat.audit.signing import key_id, sign, signed_bytes, verify

__all__ = ["Key", "KeyExists", "KeyMissing", "KeyUnusable", "key_id", "sign", "signed_bytes", "verify"]
