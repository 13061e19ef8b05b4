"""A model of one's own that Homeostat can adapt: it takes deployments, routes, mirrors, publishes."""

import threading
import time
from asyncio import to_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import ne
from pathlib import Path
from typing import Any, Final

from numpy.typing import ArrayLike

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.client import Client
from homeostat.core import Reject
from homeostat.inputs import Inputs, array_of
from homeostat.serving.answer import Answer, assembled
from homeostat.serving.answering import Predictor, mirrored, routed
from homeostat.serving.backlog import Backlog
from homeostat.serving.call import current, new_requests
from homeostat.serving.class_numbers import ClassNumbers
from homeostat.serving.deployment import Deployment, ModelState
from homeostat.serving.error_reservoir import ErrorReservoir, WrongRow
from homeostat.serving.payloads import Batch, Labelled, Layout
from homeostat.serving.publisher import Publisher
from homeostat.serving.rows import n_rows
from homeostat.serving.state_file import StateFile
from homeostat.serving.versions import Versions, deployed, restored

BROUGHT: Final = "process"
"""`source` of the deployment that a process brings with it; any command comes after it."""


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
            none for all that are numbers. Not with `inputs`.
        inputs: Kinds of the columns, where they are not all numbers, or some are missing.
        classes: Labels of a classifier in the order of their indices, of any type; None: it says indices or values.
        capture: Share of the requests whose inputs are kept to train on, in [0, 1]; of those in which no number is
            missing.
        most_errors: Rows that labels have shown to be wrong of which a sample is kept here (`errors`).
        is_wrong: Of a prediction and a label, as numbers; any difference by default.
        is_mirrored: Whether versions also answer what others have answered: without it they are compared on less.
        state: File that what it was set to survives a restart in; None: it begins with `version`.
        most_waiting: Rows that may wait for the broker.

    Attributes:
        n_failed: Calls that a version could not answer, by version.

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
        inputs: Inputs | None = None,
        classes: Sequence[object] | None = None,
        capture: float = 0.1,
        most_errors: int = 100,
        is_wrong: Callable[[float, float], bool] = ne,
        is_mirrored: bool = True,
        state: Path | None = None,
        most_waiting: int = 100_000,
    ) -> None:
        self.model = model
        self._client, self._load_bytes = client, load
        self._store = open_store(client.settings.store_url) if store is None else store
        self._is_mirrored = is_mirrored
        self._numbers = ClassNumbers(classes)
        self._own, self._file, self._lock = {version: predictor}, StateFile(state) if state else None, threading.Lock()
        kept = self._file.read().get(model) if self._file else None
        brought = Deployment(BROUGHT, "0.0", champion=version)
        self._versions: Versions[Predictor] = (
            restored(kept, self._load, self._own)
            if kept is not None
            else deployed(model, brought, None, self._load, self._own)
        )
        names = tuple(features) if inputs is None else inputs.names
        self._publisher = Publisher(client, model, Layout(names, capture, self._numbers, inputs))
        self._errors = ErrorReservoir(most_errors, names, is_wrong)
        self._backlog = Backlog[Batch | Labelled](self._publish, len, most_waiting)
        self.n_failed: dict[str, int] = {}

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

    @property
    def n_refused(self) -> int:
        """Events that a door would refuse, which are lost."""
        return self._publisher.n_refused

    @property
    def refusal(self) -> str:
        """Why the last one would be; empty without any."""
        return self._publisher.refusal

    def errors(self) -> list[WrongRow]:
        """Return a uniform sample of the rows whose labels, given here, have shown that the answer was wrong."""
        return self._errors.rows()

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
            x: A data frame, a mapping of columns, an Arrow table, an array (n, width), or a list of rows: what the
                predictors take.
            request: n ids, each of which stands for one request for ever; None makes them, of the id of the call that
                is being answered behind `HomeostatMiddleware`.

        Raises:
            Reject: `answer_invalid`: the champion does not say one prediction a row.
            Exception: Whatever the champion raises.
        """
        versions, n = self._versions, n_rows(x)
        call = current.get()
        ids = list(request) if request is not None else new_requests(n) if call is None else call.requests(n)
        answers, failed = routed(self.model, versions.state.deployment, versions.predictors, ids, x)
        self._count(failed)
        self._backlog.put(Batch(versions, ids, x, tuple(answers), time.time()))
        if call is not None:
            call.versions.extend(answer.version for answer in answers)
        return assembled(ids, answers)

    async def answer(self, x: Any, request: Sequence[str] | None = None) -> Answer:
        """Do the same from a coroutine: the predictors run in a thread, the event loop goes on."""
        return await to_thread(self, x, request)

    def label(self, request: Sequence[str], label: ArrayLike) -> None:
        """Publish what was right, now or days later.

        Args:
            request: n ids that were answered, in any process.
            label: n class names, indices or values, as the model predicts.

        Raises:
            Reject: `label_unknown`: one that is none of the classes; `label_invalid`: several a row.
        """
        self._backlog.put(Labelled(list(request), self._numbers(array_of(label)), time.time()))

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
        whole = [self._mirrored(batch) if isinstance(batch, Batch) else batch for batch in batches]
        for batch in batches:
            with suppress(Reject):  # what it cannot read is refused, and counted, below
                if isinstance(batch, Batch):
                    self._errors.answered(batch)
                else:
                    self._errors.labelled(batch, self._numbers)
        self._publisher.publish(whole)

    def _mirrored(self, batch: Batch) -> Batch:
        if not self._is_mirrored:
            return batch
        versions = batch.versions
        more, failed = mirrored(versions.state.deployment, versions.predictors, batch.answers, batch.x)
        self._count(failed)
        return batch.with_answers(more)

    def _count(self, failed: Sequence[str]) -> None:
        for version in failed:
            self.n_failed[version] = self.n_failed.get(version, 0) + 1


def serve(model: str, version: str, **options: Any) -> Callable[[Predictor], Served]:
    """Make a served model of the function below it.

        @serve("shop/ranker", "v1", load=load, client=client)
        def ranker(x): ...

    Args:
        model: `scope/model`.
        version: Of the function.
        options: Further arguments of `Served`.
    """
    return lambda predictor: Served(model, version, predictor, **options)
