"""What is seen of a signature before anything is decoded: that there is one, of the right form."""

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final

from homeostat.core import Reject

_SIGNATURE: Final = re.compile(rb"[A-Za-z0-9+/]{86}==")
_TOP: Final = 0x10
"""Greatest last byte of a signature: its second half is a number below 2**252 and a little (RFC 8032, 5.1.7). Of random
bytes fifteen in sixteen need no curve to be refused.
"""

_KEY_ID: Final = re.compile(rb"[0-9a-f]{16}")


def check_claim(headers: Iterable[tuple[str, bytes | None]]) -> None:
    """See that somebody claims to have signed the record with these headers.

    Raises:
        Reject: `unsigned`, `signature_invalid`.
    """
    signature = key = None
    for name, value in headers:
        if name == "signature":
            signature = value
        elif name == "key-id":
            key = value
    if signature is None or key is None:
        raise Reject("unsigned", "it is to be signed: use the homeostat command, or sign as docs/requests.md says")
    if not _SIGNATURE.fullmatch(signature) or b64decode(signature)[-1] > _TOP or not _KEY_ID.fullmatch(key):
        raise Reject(
            "signature_invalid", "the header signature is the Base64 of 64 bytes, the header key-id 16 hex digits"
        )
