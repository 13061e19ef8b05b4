"""The host's signature on what binds others, with the notary's key. Folds never see a private key."""

from collections.abc import Callable
from typing import Final

from homeostat.audit.keys import Key
from homeostat.codec import Output
from homeostat.events.logs import POLICIES, VERDICTS

_SIGNED: Final = frozenset((*POLICIES, VERDICTS))


def sign_with(key: Key) -> Callable[[Output], Output]:
    """Return what signs commands and verdicts, and passes everything else through.

    Ed25519 is deterministic: what is emitted again after a crash is the same, byte for byte.
    """

    def sign(output: Output) -> Output:
        if output.topic not in _SIGNED or output.value is None:
            return output
        attributes = {name: value.decode() for name, value in output.headers}
        signature = key.headers(
            attributes["ce_type"],
            attributes["ce_subject"],
            attributes["ce_source"],
            attributes["ce_id"],
            output.value,
        )
        headers = [*output.headers, *signature]
        return Output(output.topic, output.partition, output.key, output.value, headers)

    return sign
