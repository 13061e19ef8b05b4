"""Whose keys a system has: the notary that signs commands, the operator at the root, one for each hand."""

from typing import Final

from homeostat.events.logs import HAND_OF

NOTARY: Final = "notary"
"""Name of the key and of the role that commands are signed with."""

OPERATOR: Final = "operator"
OPERATOR_ROLES: Final = ("operator", "approver", "admin")

SERVICE_ROLES: Final = {NOTARY: NOTARY} | {hand: f"hand:{hand}" for hand in HAND_OF.values()}
"""Role of each service that signs, by the name of its key: the notary commands, a hand reports what it has done."""
