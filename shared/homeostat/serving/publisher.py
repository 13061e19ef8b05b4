"""Sends what a process has served, one record after the other; a broker that is away costs nothing but time."""

from collections import deque
from collections.abc import Sequence

from homeostat.client import Client, DeliveryFailed, QueueFull
from homeostat.core import Reject
from homeostat.events import Labels, Samples
from homeostat.serving.payloads import Batch, Labelled, Layout, payloads


class Publisher:
    """Lays batches out and publishes them, in one thread.

    Args:
        client: Publishes.
        model: `scope/model`.
        layout: Of the rows.

    Attributes:
        n_refused: Events that a door would refuse, which are lost; `refusal` says why the last one.
    """

    def __init__(self, client: Client, model: str, layout: Layout) -> None:
        self._client, self._model, self._layout = client, model, layout
        self._ready = deque[Samples | Labels | DeliveryFailed]()
        self.n_refused, self.refusal = 0, ""

    def publish(self, batches: Sequence[Batch | Labelled]) -> None:
        """Send batches; what could not be sent is sent first at the next call.

        Raises:
            DeliveryFailed: The broker has not taken records; they wait.
            BrokerUnreachable: Nobody answers.
        """
        for group in payloads(batches, self._layout):
            try:
                self._ready.extend(group)
            except Reject as refusal:
                self._refused(refusal)
        while self._ready:
            payload = self._ready[0]
            try:
                if isinstance(payload, DeliveryFailed):
                    self._client.resend(payload)
                else:
                    self._client.publish(None, self._model, payload)
            except DeliveryFailed as failure:
                if isinstance(failure, QueueFull) or isinstance(payload, DeliveryFailed):
                    self._ready.popleft()  # it is among those that the error carries
                self._ready.appendleft(failure)
                raise
            except Reject as refusal:  # nobody would take it at another time either
                self._refused(refusal)
            self._ready.popleft()

    def _refused(self, refusal: Reject) -> None:
        self.n_refused, self.refusal = self.n_refused + 1, str(refusal)
