"""What happened before Homeostat was there: tables and exports, read in the order of time, without Kafka."""

from homeostat.adapters.event import AdaptedEvent
from homeostat_tools.history.folder import read_folder
from homeostat_tools.history.mapping import Columns, TableMapping, read_mapping
from homeostat_tools.history.table import read_table
from homeostat_tools.history.unreadable import OnUnreadable, Unreadable, raise_unreadable

__all__ = [
    "AdaptedEvent",
    "Columns",
    "OnUnreadable",
    "TableMapping",
    "Unreadable",
    "raise_unreadable",
    "read_folder",
    "read_mapping",
    "read_table",
]
