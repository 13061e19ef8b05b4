"""What the detector remembers of one model."""

from dataclasses import dataclass, field

from homeostat.core import Emit, Event
from homeostat.core.identity import family_subject
from homeostat.events import Labels, Samples
from homeostat.events.logs import EXPERIENCE
from homeostat.events.series import UNCERTAINTY
from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.drift.shadow_rates import RateCandidates
from homeostat.services.drift_detector.errors.error_monitor import ErrorMonitor
from homeostat.services.drift_detector.errors.label_pace import LabelPace
from homeostat.services.drift_detector.indicators.calibration import Retrain
from homeostat.services.drift_detector.indicators.indicator_window import IndicatorWindow
from homeostat.services.drift_detector.input.baseline import Baseline
from homeostat.services.drift_detector.input.champion import Champion
from homeostat.services.drift_detector.input.clocks import Clocks
from homeostat.services.drift_detector.input.data_quality import DataQuality
from homeostat.services.drift_detector.input.input_buckets import InputBuckets
from homeostat.services.drift_detector.monitor.blindness import Blindness
from homeostat.services.drift_detector.monitor.monitors import Monitors
from homeostat.services.drift_detector.overrides import Overrides
from homeostat.services.drift_detector.settings import COLUMNS, Settings
from homeostat.stats.error import ErrorScale


@dataclass(slots=True)
class State:
    """State of one model; nothing is counted before it is registered.

    What belongs to the champion ends with it: `buckets`, `quality`, `baseline`, `monitors` but for their seasons,
    `errors`, `drift`, `window`. The rest outlives champions.

    Args:
        family: Name of its family, empty before it is registered.
        is_laid_out: What follows was made for the contract; it is not before anything but a registration came.
        is_classifier: Otherwise errors are distances in units of `error_scale`.
        features: Monitored features, the order of all columns.
        overrides: Settings of its own, None for the detector's.
        champion: The version whose rows count.
        source: `ce_source` of the remembered events.
        is_synthetic: The newest rows are marked as injected.
        is_history: The newest rows are history.
        error_scale: Of a regressor's errors, so that those of all champions are comparable.
        pace: How its labels usually come.
        buckets: Served rows.
        clocks: Features that only rise.
        quality: Which of the last windows of rows say little.
        baseline: Histograms of the champion's first rows and of the present ones.
        monitors: Evidence that rows and labels are not what they were.
        errors: Of labelled rows: history, level, change detectors.
        drift: The open drift.
        blindness: Whether any feature is watched.
        window: Indicators under way.
        retrain: Calibration of the champion, without the window, and of the one before.
        n_indicators: Sets of indicators emitted.
        shadow_rates: What other alarm rates would do, while one is approved for the uncertainty.
    """

    family: str = ""
    is_laid_out: bool = False
    is_classifier: bool = True
    features: list[str] = field(default_factory=list)
    overrides: Overrides | None = None
    champion: Champion = field(default_factory=Champion)
    source: str = ""
    is_synthetic: bool = False
    is_history: bool = False
    error_scale: ErrorScale = field(default_factory=ErrorScale)
    pace: LabelPace = field(default_factory=LabelPace)
    buckets: InputBuckets = field(default_factory=InputBuckets)
    clocks: Clocks = field(default_factory=lambda: Clocks.initial(0))
    quality: DataQuality = field(default_factory=DataQuality)
    baseline: Baseline = field(default_factory=Baseline)
    monitors: Monitors = field(default_factory=Monitors)
    errors: ErrorMonitor = field(default_factory=ErrorMonitor)
    drift: OpenDrift | None = None
    blindness: Blindness = field(default_factory=Blindness)
    window: IndicatorWindow = field(default_factory=IndicatorWindow)
    retrain: Retrain = field(default_factory=Retrain)
    n_indicators: int = 0
    shadow_rates: RateCandidates | None = None

    def register(self, family: str, features: list[str], overrides: Overrides | None, *, is_classifier: bool) -> bool:
        """Take a contract.

        Args:
            family: Name of the model's family.
            features: Names, the order of all columns.
            overrides: Settings of the model's own.
            is_classifier: Otherwise a regressor.

        Returns:
            Whether it is another contract than before: a repetition changes nothing, so that a client may register at
            each start.
        """
        is_new, self.family = not self.family, family
        if not is_new and (features, is_classifier, overrides) == (self.features, self.is_classifier, self.overrides):
            return False
        if is_classifier != self.is_classifier:
            self.error_scale = ErrorScale()
        self.features, self.is_classifier, self.overrides = features, is_classifier, overrides
        self.monitors.forget_seasons()
        self.clocks = Clocks.initial(0)
        return True

    def lay_out(self, settings: Settings) -> None:
        """Make what a model is watched with, at the first event behind its contract: names alone cost little."""
        if self.family and not self.is_laid_out:
            self.reset(self.champion.version, settings)
            self.is_laid_out = True

    def reset(self, version: str, settings: Settings) -> None:
        """Begin anew with a champion: references, detectors, level and open drift belong to the one before."""
        d, columns = len(self.features), self.features
        if "martingale" in settings.members:
            columns = [*columns, *(column for column in COLUMNS if column in settings.columns)]
        self.champion.reset(version)
        self.buckets = InputBuckets.initial(d, len(columns), self.buckets.n_closed)
        if self.clocks.found.size != d:
            self.clocks = Clocks.initial(d)
        self.quality, self.baseline = DataQuality.initial(d), Baseline()
        self.monitors = Monitors.initial(d, columns, self.monitors, settings)
        self.errors = ErrorMonitor.initial(settings)
        self.drift = None
        self.window, self.retrain = IndicatorWindow(), Retrain()
        if self.shadow_rates is not None:
            self.shadow_rates.renumber()

    def follow(self, source: str, settings: Settings) -> None:
        """Forget the identities of another source: a range names records of one source."""
        if self.source:
            self.reset(self.champion.version, settings)
        self.source = source

    def takes(self, history: Samples | Labels) -> bool:
        """Whether history says what is normal for the champion: it answered, and nothing it has served live is known.

        Args:
            history: Rows or labels of the past.
        """
        if isinstance(history, Labels):
            return self.is_history
        is_champion = history.role == "champion" and history.version == self.champion.version
        return is_champion and (self.is_history or not self.buckets.history)

    def begin_live(self, settings: Settings) -> None:
        """Go on with live rows behind history: it is the reference, unless it ended in a drift that nobody was told."""
        self.is_history = False
        if self.drift is not None:
            self.reset(self.champion.version, settings)

    def promote(self, version: str, settings: Settings) -> None:
        """Begin anew with a champion that answers the open drift.

        The drift stays open until its level is back: a model trained on the first labels is rarely the best
        that more of them allow, and only a level that was there before can say so.
        """
        drift, retrain = self.drift, self.retrain
        n_carried = drift.n_carried + self.errors.history.n - drift.n_labels if drift is not None else 0
        retrain.promote(self.window.calibration)
        self.reset(version, settings)
        self.retrain = retrain
        if drift is not None and drift.next_profile and drift.level is not None:
            drift.bucket, drift.n_labels, drift.errors, drift.n_carried = 0, 0, 0.0, n_carried
            self.drift = drift

    def graded(self, event: Event, drift: OpenDrift | None) -> list[Emit]:
        """Emit for the learner how each alarm rate has done in the drift that ends with this event, if one was open."""
        if self.shadow_rates is None or drift is None:
            return []
        grades = self.shadow_rates.score(event.subject, UNCERTAINTY, drift.bucket)
        return (
            [Emit(EXPERIENCE, grades, subject=family_subject(event.subject, self.family))] if grades is not None else []
        )
