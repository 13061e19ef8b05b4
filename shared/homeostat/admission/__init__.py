"""What the doors take, as far as it needs no memory: intake refuses by it, and who publishes can be told before."""

from homeostat.admission.checks import check_identity, check_payload

__all__ = ["check_identity", "check_payload"]
