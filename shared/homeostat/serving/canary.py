"""Which requests a canary answers."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def canary_rows(model: str, request: Sequence[str], weight: float) -> NDArray[np.bool_]:
    """Draw the canary's share of requests.

    The draw is a hash of model and request: the same request goes the same way on every server, and
    one that a canary answered at a weight it answers at every higher weight.

    Args:
        model: `scope/model`.
        request: n ids.
        weight: Expected share, [0, 1].

    Returns:
        (n,) whether the canary answers.
    """
    if weight == 0.0:
        return np.zeros(len(request), np.bool_)
    prefix = f"{model}\n"
    digests = b"".join(hashlib.sha256(f"{prefix}{id_}".encode()).digest()[:8] for id_ in request)
    return (np.frombuffer(digests, ">u8") >> 11) * 2.0**-53 < weight
