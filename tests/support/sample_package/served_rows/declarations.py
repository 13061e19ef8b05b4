"""What joins the stack, as plain values: what makes it is imported when it is made."""

from typing import Final

from homeostat.events.logs import INDICATORS, POLICY_THRESHOLD, TIMELINE
from homeostat.runtime.declarations import FoldEntry, HandEntry, TargetEntry

FOLD: Final = FoldEntry(name="served_rows", make="served_rows.fold:ServedRows", topic=TIMELINE, writes=(INDICATORS,))
HAND: Final = HandEntry(
    name="band_notes",
    make="served_rows.hand:band_notes",
    obeys=(POLICY_THRESHOLD,),
    settings="served_rows.hand:BandNotesSettings",
)
TARGET: Final = TargetEntry(name="deployment_notes", make="served_rows.target:deployment_notes")
