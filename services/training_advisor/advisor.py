"""The learners of a family: one for each kind of question, all of which learn from the same runs of training jobs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, RulesSet
from homeostat.services.training_advisor.calibration_log import CalibrationLog
from homeostat.services.training_advisor.configuration_advisor import ConfigurationAdvisor
from homeostat.services.training_advisor.pareto import with_objectives
from homeostat.services.training_advisor.recent_runs import RecentRuns, source_of
from homeostat.services.training_advisor.sample_size_advisor import SampleSizeAdvisor
from homeostat.services.training_advisor.training_time_advisor import TrainingTimeAdvisor

_MOST_METRICS: Final = 8


@dataclass(slots=True)
class MetricAdvisors:
    """What runs have taught of one metric; greater is better inside, so losses are negative here."""

    configurations: ConfigurationAdvisor = field(default_factory=ConfigurationAdvisor)
    sample_sizes: SampleSizeAdvisor = field(default_factory=SampleSizeAdvisor)

    def update(self, run: EpisodeRecorded) -> None:
        """Learn from a run measured by this metric."""
        self.configurations.update(_maximised(run))
        self.sample_sizes.update(_maximised(run))


@dataclass(slots=True)
class Advisor:
    """What the runs of a family have taught.

    Args:
        runs: The last ones.
        metrics: By metric, which may be one to be minimised; the eight that most of the last runs were measured by.
        training_time: How long trainings take.
        latency: How long predictions take.
        calibration: What was answered and is not run yet, and how answers have done.
        distrusted: Sources whose runs teach nothing.
    """

    runs: RecentRuns = field(default_factory=RecentRuns)
    metrics: dict[str, MetricAdvisors] = field(default_factory=dict)
    training_time: TrainingTimeAdvisor = field(default_factory=TrainingTimeAdvisor)
    latency: TrainingTimeAdvisor = field(default_factory=TrainingTimeAdvisor)
    calibration: CalibrationLog = field(default_factory=CalibrationLog)
    distrusted: list[str] = field(default_factory=list)

    def update(self, family: str, run: EpisodeRecorded) -> tuple[Emit, ...]:
        """Score what was answered of a run, then learn from it, unless its task is held out.

        A run without a task or a configuration, or of a source that is distrusted, teaches nothing.

        Args:
            family: `scope/family`.
            run: As recorded.

        Returns:
            Indicators of the answers that the run was one of.
        """
        if run.task is None or run.configuration is None or source_of(run) in self.distrusted:
            return ()
        scores = self.calibration.score_prediction(family, run)
        if run.held_out:
            return scores
        self.runs.update(run)
        key = _key_of(run)
        if key in self.metrics or len(self.metrics) < _MOST_METRICS:
            self.metrics.setdefault(key, MetricAdvisors()).update(run)
        else:
            self._make_room(key)
        self._update_times(run)
        return scores

    def answer(self, identity: str, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
        """Answer a question, and remember what was predicted.

        Args:
            identity: Of the question's event; keys the draws.
            request: The question.
            rules: With the prices.
        """
        given = self._answer(identity, request, rules)
        self.calibration.record_prediction(request, given)
        return given

    def distrust(self, source: str) -> None:
        """Unlearn what a source's runs taught: the others of the last runs are learned again.

        Exact for as long as no run has made room for later ones; else what these taught leaves as well, but for the
        results of configurations, which are kept apart by source.
        """
        if source in self.distrusted:
            return
        self.distrusted.append(source)
        if not self.runs.has(source):
            return
        if not self.runs.evicted:
            self._relearn()
            return
        for each in self.metrics.values():
            each.configurations.forget(source)
        self._relearn_all_but_configurations()

    def trust(self, source: str) -> None:
        """Learn again what a source's runs taught before it was distrusted, as far as they are among the last runs."""
        if source not in self.distrusted:
            return
        self.distrusted.remove(source)
        own = [run for run in self.runs.runs if source_of(run) == source]
        if not own:
            return
        if not self.runs.evicted:
            self._relearn()
            return
        self._relearn_all_but_configurations()
        for run in own:
            if (of_metric := self.metrics.get(_key_of(run))) is not None:
                of_metric.configurations.update(_maximised(run))

    def _relearn_all_but_configurations(self) -> None:
        before = self.metrics
        self._relearn()
        for key, each in self.metrics.items():
            if key in before:
                each.configurations = before[key].configurations

    def _relearn(self) -> None:
        """Learn the last runs of everybody who is believed, as if nothing else had ever been recorded."""
        self.metrics, self.training_time, self.latency = {}, TrainingTimeAdvisor(), TrainingTimeAdvisor()
        for run in self.runs.believed(self.distrusted):
            key = _key_of(run)
            if key in self.metrics or len(self.metrics) < _MOST_METRICS:
                self.metrics.setdefault(key, MetricAdvisors()).update(run)
            self._update_times(run)

    def _make_room(self, key: str) -> None:
        """Let a metric that more runs are measured by take the place of the one that fewest are."""
        runs = [(_key_of(run), run) for run in self.runs.believed(self.distrusted)]
        counts = Counter(of for of, _ in runs)
        least = min(self.metrics, key=lambda known: (counts[known], known))
        if counts[key] <= counts[least]:
            return
        del self.metrics[least]
        advisors = self.metrics[key] = MetricAdvisors()
        for of, run in runs:
            if of == key:
                advisors.update(run)

    def _update_times(self, run: EpisodeRecorded) -> None:
        self.training_time.update(run)
        if run.latency_seconds is not None:
            # How long a prediction takes is a matter of what was trained, less of on how many rows.
            self.latency.update(run.model_copy(update={"seconds": run.latency_seconds, "rows": 0}))

    def _answer(self, identity: str, request: AdviceRequested, rules: RulesSet) -> AdviceGiven:
        if request.question == "seconds":
            return self.training_time.answer(request)
        advisors = self.metrics.get(_key(request.metric, is_loss=request.is_loss)) or MetricAdvisors()
        if request.question == "benefit":
            given = advisors.sample_sizes.answer(request)
        else:
            given = advisors.configurations.answer(request, identity)
            if request.objectives or request.limits:
                given = with_objectives(given, request, self.training_time, self.latency, rules)
        return _as_losses(given) if request.is_loss else given


def _key(metric: str, *, is_loss: bool) -> str:
    return f"{metric} {'loss' if is_loss else 'score'}"


def _key_of(run: EpisodeRecorded) -> str:
    return _key(run.metric, is_loss=run.is_loss)


def _maximised(run: EpisodeRecorded) -> EpisodeRecorded:
    """Return a run with a result of which more is better."""
    return run.model_copy(update={"result": -run.result}) if run.is_loss else run


def _as_losses(given: AdviceGiven) -> AdviceGiven:
    """State the results of an answer as losses; gains stay what is gained."""
    options = tuple(
        each.model_copy(update={"expected": -each.expected, "low": -each.high, "high": -each.low, "baseline": baseline})
        for each in given.options
        for baseline in [None if each.baseline is None else -each.baseline]
    )
    return given.model_copy(update={"options": options})
