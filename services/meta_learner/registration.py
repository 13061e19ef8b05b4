"""The fold that proposes adaptations, and the cache of what it learns from beside it."""

from typing import Final

from homeostat.events.logs import EXPERIENCE
from homeostat.runtime.declarations import FoldEntry, WatcherEntry

ENTRIES: Final = (
    FoldEntry(
        name="meta_learner",
        make="homeostat.services.meta_learner.fold:MetaLearner",
        topic=EXPERIENCE,
    ),
    WatcherEntry(
        name="feature_eye",
        service="meta_learner",
        make="homeostat.runtime.features:online_store",
        reads=(EXPERIENCE,),
    ),
)
