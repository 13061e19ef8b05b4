"""Settings of the rollout actuator: from the environment, `HOMEOSTAT_ROLLOUT_ACTUATOR_…`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RolloutActuatorSettings(BaseSettings):
    """Where the model server is and how long to wait for it.

    Args:
        url: Base URL of the embedded model server.
        timeout_seconds: Of one request.
        patience_seconds: How long an unreachable server is asked again before the command fails.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_ROLLOUT_ACTUATOR_", frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:8100"
    timeout_seconds: float = Field(default=5.0, gt=0.0)
    patience_seconds: float = Field(default=30.0, gt=0.0)
