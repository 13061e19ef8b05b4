"""A counter stage as a process of its own, to be killed.

`python -m homeostat.testing.counter_stage NAME LOG OUT [door]` runs it.
"""

import os
import signal
import sys

from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.settings import HostSettings
from homeostat.testing.counter import Counter


def main(name: str, log: str, out: str, kind: str = "log") -> None:
    """Run until SIGTERM; settings come from the environment.

    Args:
        name: Of the fold, and of its group.
        log: Read.
        out: Written.
        kind: `log`, or `door` for an ingress topic.
    """
    settings = HostSettings()
    cluster = Cluster(settings)
    host = KafkaHost(name, [Counter(name=name, log=log, out=out, is_door=kind == "door")], settings, cluster)
    signal.signal(signal.SIGTERM, lambda *_: host.stop())
    host.run()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:5])
