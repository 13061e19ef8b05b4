"""The program that serves models, and what it is started with on one machine."""

from typing import Final

from homeostat.runtime.declarations import ProgramEntry

ENTRIES: Final = (
    ProgramEntry(
        name="model-server",
        service="model_server",
        make="homeostat.services.model_server",
        options=(
            *("--port", "{port}", "--artifacts", "{store}", "--token", "{token}"),
            *("--state", "{data_dir}/model-server.json"),
        ),
        port=8100,
        ready="/healthz",
        variable="HOMEOSTAT_ROLLOUT_ACTUATOR_URL",
    ),
)
