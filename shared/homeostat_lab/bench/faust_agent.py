"""A Faust agent with one table write, as a process of its own.

`python -m homeostat_lab.bench.faust_agent SERVERS TOPIC OUT N FOLDER` runs it.
It counts records by key and sends each on. The last line on stdout is its rate in records per second.
"""

import os
import sys
import time
from typing import Any

import faust

from homeostat_lab.bench.ground import PARTITIONS


def main(servers: str, topic: str, out: str, n: str, folder: str) -> None:
    """Run until `n` records are through.

    Args:
        servers: Bootstrap servers.
        topic: Read, from its beginning.
        out: Written.
        n: Records, as text.
        folder: Where Faust keeps its data.
    """
    app = faust.App(
        "homeostat-bench-faust",
        broker=f"kafka://{servers}",
        store="memory://",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        datadir=folder,
        web_enabled=False,
    )
    source = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw")
    target = app.topic(out, key_type=bytes, value_type=bytes, value_serializer="raw")
    counts = app.Table("homeostat-bench-faust-counts", default=int, partitions=PARTITIONS)
    wanted = int(n)

    @app.agent(source)
    async def count(stream: Any) -> None:
        done, started, sent = 0, 0.0, None
        async for key, value in stream.items():
            if not done:
                started = time.perf_counter()
            counts[key] += 1
            sent = await target.send(key=key, value=value)
            done += 1
            if done >= wanted:
                await sent
                sys.stdout.write(f"{(done - 1) / (time.perf_counter() - started)}\n")
                sys.stdout.flush()
                os._exit(0)  # Faust takes seconds to stop, and nothing of it is needed any more

    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:6])
