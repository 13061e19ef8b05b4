"""Events over HTTP, single and in batches, beside a bare Starlette application and the client's publish."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import psutil

from homeostat.client import Client
from homeostat.events import SignalObserved
from homeostat.events.logs import DOORS
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import BenchFailed, Row, row
from homeostat_tools.local_stack.loopback import get
from homeostat_tools.local_stack.ports import LOOPBACK, pick_port

CONNECTIONS: Final = 128
BATCH: Final = 100
TARGET: Final = 2_000.0
"""Events a second."""

_START_SECONDS: Final = 180.0
_BARE: Final = "bare Starlette application that answers 202 to the same requests"
_CLIENT: Final = "Client.publish of the same events, then flush"
_HEAD: Final = (
    "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: {type}\r\ncontent-length: {n}\r\n{more}\r\n"
)
_ATTRIBUTES: Final = {"specversion": "1.0", "source": "/bench/http", "type": SignalObserved.TYPE}


def over_http(ground: Ground, *, n: int, runs: int) -> Iterator[Row]:
    """Measure the door and the bare application in turns, then the client.

    Args:
        ground: A broker of its own.
        n: Events of each run, >= `BATCH`.
        runs: Of each, >= 1.
    """
    ground.create([], *DOORS)
    door, bare = pick_port(()), pick_port(())
    limits = {
        "HOMEOSTAT_HTTP_DOOR_EVENTS_PER_SECOND": "1e9",
        "HOMEOSTAT_HTTP_DOOR_BURST": "1000000000",
    }
    processes = {
        door: ground.start("-m", "homeostat.services.http_door", "--port", str(door), **limits),
        bare: ground.start("-m", "homeostat_lab.bench.bare_http", str(bare)),
    }
    _await(f"http://{LOOPBACK}:{door}/readyz", 200)
    _await(f"http://{LOOPBACK}:{bare}/", 404)
    rates, seconds, published = defaultdict[Any, list[float]](list), defaultdict[Any, list[float]](list), list[float]()
    for port in processes:
        asyncio.run(_rate(port, list(_requests(BATCH, 1, -1))))  # connections, imports, first look-ups
    for number in range(runs):
        for size in (1, BATCH):
            requests = list(_requests(n, size, number))
            for port, process in processes.items():
                before = _cpu_seconds(process.pid)
                rates[port, size].append(size * asyncio.run(_rate(port, requests)))
                seconds[port, size].append((_cpu_seconds(process.pid) - before) / n * 1e6)
        published.append(_published(ground, n))
    for size, name in ((1, "single events over HTTP"), (BATCH, f"events over HTTP, batches of {BATCH}")):
        yield row(name, "events/s", rates[door, size], reference=_BARE, references=rates[bare, size])
        yield row(name, "events/s", rates[door, size], reference=_CLIENT, references=published)
        yield row(
            f"processor time of the door, {name}",
            "us/event",
            seconds[door, size],
            reference="that of the bare application",
            references=seconds[bare, size],
        )
    yield row("memory of the HTTP door", "MB", [psutil.Process(processes[door].pid).memory_info().rss / 1e6])


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _requests(n: int, size: int, run: int) -> Iterator[bytes]:
    """Requests with n events of one signal each, of 100 models in turn; each event has an id of its own."""
    for first in range(0, n - n % size, size):
        events = [(_ATTRIBUTES | _named(run, size, first + k), _data(first + k)) for k in range(size)]
        if size == 1:
            ((attributes, data),) = events
            more = "".join(f"ce-{name}: {text}\r\n" for name, text in attributes.items())
            body, content_type = json.dumps(data).encode(), "application/json"
        else:
            more, content_type = "", "application/cloudevents-batch+json"
            body = json.dumps([attributes | {"data": data} for attributes, data in events]).encode()
        yield _HEAD.format(type=content_type, n=len(body), more=more).encode() + body


def _named(run: int, size: int, number: int) -> dict[str, str]:
    return {"id": f"{run}-{size}-{number}", "subject": f"bench/m{number % 100}"}


def _data(number: int) -> dict[str, Any]:
    return {"layer": "service", "name": "latency", "value": float(number)}


async def _rate(port: int, requests: Sequence[bytes]) -> float:
    """Send requests over some connections, one at a time each; return how many were answered a second."""
    left = iter(requests)

    async def send() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        for request in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            n_bytes = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(n_bytes)
            if b" 202 " not in head[:13]:
                raise BenchFailed(f"an answer that is not 202: {(head[:40] + body)[:300]!r}")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - started)


def _published(ground: Ground, n: int) -> float:
    """Rate at which a client publishes the same events, until all are acknowledged."""
    with Client(source="/bench/client", settings=ground.settings) as client:
        client.publish(None, "bench/m0", SignalObserved(**_data(0)))
        client.flush()
        started = time.perf_counter()
        for number in range(n):
            client.publish(None, f"bench/m{number % 100}", SignalObserved(**_data(number)))
        client.flush()
        return n / (time.perf_counter() - started)


def _await(url: str, status: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            if get(url, 1.0)[0] == status:
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise BenchFailed(f"{url} does not answer {status}")
        time.sleep(0.05)
