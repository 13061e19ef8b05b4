"""What a command may do: the notary's word, expiry, fences and brakes, the same for hands and for clients."""

from homeostat.commands.brake_file import BrakeFile
from homeostat.commands.brakes import covering
from homeostat.commands.guard import Guard, Refusal, is_way_back
from homeostat.commands.notary_keys import NotaryKeyMissing, is_signed, notary_keys

__all__ = [
    "BrakeFile",
    "Guard",
    "NotaryKeyMissing",
    "Refusal",
    "covering",
    "is_signed",
    "is_way_back",
    "notary_keys",
]
