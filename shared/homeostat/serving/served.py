"""A model of one's own that Homeostat can adapt: it takes deployments, routes, mirrors, publishes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.client import Client, DeliveryFailed, QueueFull
from homeostat.core import Reject
from homeostat.events import Labels, Samples
from homeostat.serving.answering import Predictor, VersionAnswer, mirrored, routed
from homeostat.serving.backlog import Backlog
from homeostat.serving.deployment import Deployment, ModelState
from homeostat.serving.payloads import Batch, Labelled, payloads
from homeostat.serving.rows import n_rows
from homeostat.serving.state_file import StateFile
from homeostat.serving.versions import Versions, deployed, restored

BROUGHT: Final = "process"
"""`source` of the deployment that a process brings with it; any command comes after it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the callers get for n rows.

    Args:
        request: Ids, n; labels refer to them.
        prediction: As the version that answered says it, (n,).
        score: (n,); NaN where the model says none.
        version: Version that answered each row.
    """

    request: list[str]
    prediction: NDArray[Any]
    score: NDArray[np.float64]
    version: list[str]


class Served:
    """Serves one model, in one process of perhaps many.

    A call answers with what champion and canary say to the rows that are theirs; which requests the canary has is a
    hash of model and request, the same in every process. What the other versions would have said is asked for, and all
    of it published, in a thread of its own: a broker that is away delays nothing, and what does not fit any more is
    dropped and counted (`n_dropped`). May be called by many threads.

    Args:
        model: `scope/model`.
        version: Name of the version that the process brings.
        predictor: That version.
        load: Makes a predictor of an artifact's bytes: what the recipe of a retrain has saved.
        client: Publishes; used by the thread alone.
        store: Where artifacts lie; None: where the client's settings say.
        features: Names of the columns of an array, in order; of a data frame or a mapping those that are watched, or
            none for all that are numbers.
        classes: Of a classifier that says names; None: it says indices or values.
        capture: Share of the requests whose inputs are kept to train on, in [0, 1]; of those in which no number is
            missing.
        is_mirrored: Whether versions also answer what others have answered: without it they are compared on less.
        state: File that what it was set to survives a restart in; None: it begins with `version`.
        most_waiting: Rows that may wait for the broker.

    Attributes:
        n_failed: Calls that a version could not answer, by version.
        n_refused: Events that a door would refuse, which are lost; `refusal` says why the last one.

    Raises:
        Reject: A version of the state file cannot be loaded.
    """

    def __init__(
        self,
        model: str,
        version: str,
        predictor: Predictor,
        *,
        load: Callable[[bytes], Predictor],
        client: Client,
        store: ArtifactStore | None = None,
        features: Sequence[str] = (),
        classes: Sequence[str] | None = None,
        capture: float = 0.1,
        is_mirrored: bool = True,
        state: Path | None = None,
        most_waiting: int = 100_000,
    ) -> None:
        self.model = model
        self._client, self._load_bytes = client, load
        self._store = open_store(client.settings.store_url) if store is None else store
        self._features, self._capture, self._is_mirrored = tuple(features), capture, is_mirrored
        self._index = None if classes is None else {name: index for index, name in enumerate(classes)}
        self._own, self._file, self._lock = {version: predictor}, StateFile(state) if state else None, threading.Lock()
        kept = self._file.read().get(model) if self._file else None
        brought = Deployment(BROUGHT, "0.0", champion=version)
        self._versions: Versions[Predictor] = (
            restored(kept, self._load, self._own)
            if kept is not None
            else deployed(model, brought, None, self._load, self._own)
        )
        self._ready = deque[Samples | Labels | DeliveryFailed]()
        self._backlog = Backlog[Batch | Labelled](self._publish, len, most_waiting)
        self.n_failed: dict[str, int] = {}
        self.n_refused, self.refusal = 0, ""

    @property
    def state(self) -> ModelState:
        """What it is set to."""
        return self._versions.state

    @property
    def n_dropped(self) -> int:
        """Rows that were never published, as too many waited for the broker."""
        return self._backlog.n_dropped

    @property
    def trouble(self) -> str:
        """Why nothing can be published at present; empty if it can."""
        return self._backlog.trouble

    def apply(self, deployment: Deployment) -> ModelState:
        """Serve what a rollout asks for; on any error what served before still does.

        Args:
            deployment: The whole state of serving.

        Raises:
            SequenceInvalid: Its sequence is no place in a log.
            StaleDeployment: A later one of its source has acted.
            Reject: A version has no known artifact, or its artifact cannot be loaded.
            StoreUnavailable: Try again.
        """
        with self._lock:
            new = deployed(self.model, deployment, self._versions, self._load, self._own)
            if new is not self._versions and self._file is not None:
                self._file.write({self.model: new.state})
            self._versions = new
            return new.state

    def __call__(self, x: Any, request: Sequence[str] | None = None) -> Answer:
        """Answer n rows.

        Args:
            x: A data frame, a mapping of columns, an array (n, width), or a list of rows: what the predictors take.
            request: n ids, each of which stands for one request for ever; None makes them.

        Raises:
            Reject: `answer_invalid`: the champion does not say one prediction a row.
            Exception: Whatever the champion raises.
        """
        versions, n = self._versions, n_rows(x)
        ids = new_requests(n) if request is None else list(request)
        answers, failed = routed(self.model, versions.state.deployment, versions.predictors, ids, x)
        self._count(failed)
        self._backlog.put(Batch(versions, ids, x, tuple(answers), time.time()))
        return _assembled(ids, answers)

    def label(self, request: Sequence[str], label: ArrayLike) -> None:
        """Publish what was right, now or days later.

        Args:
            request: n ids that were answered, in any process.
            label: n class names, indices or values, as the model predicts.

        Raises:
            Reject: `label_unknown`: a name that is none of the classes.
        """
        self._backlog.put(Labelled(list(request), self._numbers(np.asarray(label)), time.time()))

    def flush(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until all is with the broker; return whether it is."""
        is_sent = self._backlog.flush(timeout_seconds)
        if is_sent:
            self._client.flush()
        return is_sent

    def close(self) -> bool:
        """Publish what waits, for up to 10 s; return whether nothing was left. The client stays open."""
        return self._backlog.close()

    def _load(self, digest: str) -> Predictor:
        return self._load_bytes(self._store.get(digest))

    def _publish(self, batches: Sequence[Batch | Labelled]) -> None:
        """Send what waits, one record after the other; what could not be sent is sent first at the next call.

        Raises:
            DeliveryFailed: The broker has not taken records; they wait.
            BrokerUnreachable: Nobody answers.
        """
        self._lay_out([self._mirrored(batch) if isinstance(batch, Batch) else batch for batch in batches])
        while self._ready:
            payload = self._ready[0]
            try:
                if isinstance(payload, DeliveryFailed):
                    self._client.resend(payload)
                else:
                    self._client.publish(None, self.model, payload)
            except DeliveryFailed as failure:
                if isinstance(failure, QueueFull) or isinstance(payload, DeliveryFailed):
                    self._ready.popleft()  # it is among those that the error carries
                self._ready.appendleft(failure)
                raise
            except Reject as refusal:  # nobody would take it at another time either
                self._refused(refusal)
            self._ready.popleft()

    def _lay_out(self, batches: Sequence[Batch | Labelled]) -> None:
        for group in payloads(batches, self._features, self._capture, self._numbers):
            try:
                self._ready.extend(group)
            except Reject as refusal:
                self._refused(refusal)

    def _mirrored(self, batch: Batch) -> Batch:
        if not self._is_mirrored:
            return batch
        versions = batch.versions
        more, failed = mirrored(versions.state.deployment, versions.predictors, batch.answers, batch.x)
        self._count(failed)
        return batch.with_answers(more)

    def _refused(self, refusal: Reject) -> None:
        self.n_refused, self.refusal = self.n_refused + 1, str(refusal)

    def _numbers(self, said: NDArray[Any]) -> NDArray[np.float64]:
        """Return class names as indices; numbers as they are."""
        if self._index is None or said.dtype.kind in "biuf":
            return said.astype(np.float64)
        try:
            return np.array([self._index[str(name)] for name in said], np.float64)
        except KeyError as error:
            raise Reject("label_unknown", f"{error} is none of the classes {', '.join(self._index)}") from None

    def _count(self, failed: Sequence[str]) -> None:
        for version in failed:
            self.n_failed[version] = self.n_failed.get(version, 0) + 1


def new_requests(n: int) -> list[str]:
    """Return n ids that no request has had."""
    stem = f"{time.time_ns():x}-{threading.get_ident():x}"
    return [f"{stem}.{row}" for row in range(n)]


def _assembled(request: list[str], answers: Sequence[VersionAnswer]) -> Answer:
    if len(answers) == 1:
        (one,) = answers
        return Answer(request, one.prediction, one.score, [one.version] * len(request))
    prediction = np.empty(len(request), np.result_type(*(answer.prediction for answer in answers)))
    score, version = np.empty(len(request)), [""] * len(request)
    for answer in answers:
        prediction[answer.rows], score[answer.rows] = answer.prediction, answer.score
        for row in answer.rows:
            version[row] = answer.version
    return Answer(request, prediction, score, version)
