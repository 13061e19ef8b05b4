"""Write the list of Kafka's jars: `python -m homeostat_tools.local_stack.lock > kafka.lock`.

Run it to move to another version of Kafka, and read the difference before you commit it. With a version as its
argument it writes the list of that one: tests run on an older broker too.
"""

import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

VERSION: Final = "4.3.1"
KAFKA: Final = "org.apache.kafka:kafka_2.13:"
LOGGING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"
"""Kafka logs through slf4j 1.7 and brings no binding: without this one `broker.log` stays empty.

The `!` keeps the binding's parent from managing Kafka's own versions, which would mix two releases."""


def main() -> None:
    """Resolve both coordinates from Maven Central and print one line per jar."""
    kafka = KAFKA + (sys.argv[1] if len(sys.argv) > 1 else VERSION)
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        coordinates = [replace(Coordinate.parse(text), scope="compile") for text in (kafka, LOGGING)]
        inputs = [context.create_dependency(coordinate) for coordinate in coordinates]
        direct, transitive = context.resolver.resolve(inputs)
        sys.stdout.write(f"# {kafka} and {LOGGING[:-1]}, runtime scope: group artifact version sha256\n")
        for dependency in [*direct, *(d for d in transitive if d.scope in ("compile", "runtime"))]:
            artifact = dependency.artifact
            digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
            sys.stdout.write(f"{artifact.groupId} {artifact.artifactId} {artifact.version} {digest}\n")


if __name__ == "__main__":
    main()
