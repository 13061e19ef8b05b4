"""Settings of the rollout actuator: from the environment, `HOMEOSTAT_ROLLOUT_ACTUATOR_…`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RolloutActuatorSettings(BaseSettings):
    """What a rollout acts on, where it is and how long to wait for it.

    Args:
        target: Name of what it acts on: `embedded`, the model server, or that of an installed package (entry points
            `homeostat.targets`).
        url: Base URL of the embedded model server.
        token_file: File with the token that the server wants before it lets itself be set; default
            `<data_dir>/keys/model-server.token`, which `homeostat up` makes.
        timeout_seconds: Of one request.
        retry_timeout_seconds: How long an unreachable server is asked again before the command fails.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_ROLLOUT_ACTUATOR_", frozen=True, extra="forbid")

    target: str = "embedded"
    url: str = "http://127.0.0.1:8100"
    token_file: Path | None = None
    timeout_seconds: float = Field(default=5.0, gt=0.0)
    retry_timeout_seconds: float = Field(default=30.0, gt=0.0)
