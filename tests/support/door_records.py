"""Records as everyday clients write them to a door."""

import json
import subprocess
from pathlib import Path
from typing import Any

from homeostat.events import ModelRegistered, Samples, SignalObserved
from homeostat.events.logs import TELEMETRY
from homeostat_tools.local_stack import jars
from homeostat_tools.local_stack.java import find_java

KAFKA_39 = Path(__file__).parent / "kafka-3.9.lock"


def event(type_: str, id_: str, data: dict[str, Any], **attributes: Any) -> bytes:
    """An event in structured mode."""
    whole = {"specversion": "1.0", "id": id_, "source": "/stranger", "type": type_, "data": data, **attributes}
    return json.dumps(whole).encode()


def signal(n: int) -> bytes:
    return event(SignalObserved.TYPE, f"s-{n}", {"layer": "service", "name": "load", "value": float(n)})


def registration(name: str) -> bytes:
    return event(ModelRegistered.TYPE, f"register-{name}", {"family": "f", "champion": "v1"})


MSGPACK = {"ce_id": "x", "content-type": "application/msgpack"}


BINARY = {"ce_specversion": "1.0", "ce_source": "/stranger", "ce_type": Samples.TYPE}


def java_producer(broker: str, lines: list[tuple[str, bytes]]) -> None:
    """Write keys and values with Kafka's own console producer: keys are placed by murmur2."""
    class_path = ":".join(map(str, jars.ensure_jars(lambda _: None, KAFKA_39)))
    argv = [
        str(find_java({})),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        class_path,
        "kafka.tools.ConsoleProducer",
        "--bootstrap-server",
        broker,
    ]
    argv += ["--topic", TELEMETRY, "--property", "parse.key=true"]
    text = b"".join(key.encode() + b"\t" + value + b"\n" for key, value in lines)
    subprocess.run(argv, input=text, check=True, capture_output=True, timeout=240)
