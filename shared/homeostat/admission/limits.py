"""How long what names something at a door may be, and how large an array inside a payload."""

from typing import Final

REQUEST_LENGTH: Final = 128
"""Longest request id in characters: bounds the memory of the join, fits a trace id with room."""

IDENTITY_LENGTH: Final = 400
"""Longest `ce_source` and longest `ce_id`: two of them, and words around, fit into a sentence of 2,000 characters."""

INLINE_ARRAY_BYTES: Final = 65_536
"""CloudEvents: intermediaries carry 64 KiB; larger arrays go to the artifact store."""

LABEL_WINDOW_SECONDS: Final = 7 * 86_400
"""Answers wait so long for their labels, unless the registration says otherwise."""
