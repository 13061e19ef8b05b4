"""Signatures, keys and proofs: what was decided cannot be changed afterwards without a trace."""

from homeostat.audit.digest import ORIGIN, digest_records
from homeostat.audit.findings import Finding
from homeostat.audit.keys import Key, KeyExists, KeyMissing, KeyUnusable
from homeostat.audit.signing import key_id, sign, signed_bytes, verify
from homeostat.audit.verify import VerifyReport, verify_chain, verify_log

__all__ = [
    "ORIGIN",
    "Finding",
    "Key",
    "KeyExists",
    "KeyMissing",
    "KeyUnusable",
    "VerifyReport",
    "digest_records",
    "key_id",
    "sign",
    "signed_bytes",
    "verify",
    "verify_chain",
    "verify_log",
]
