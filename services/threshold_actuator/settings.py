"""Settings of the threshold actuator: from the environment, `HOMEOSTAT_THRESHOLD_ACTUATOR_…`."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ThresholdActuatorSettings(BaseSettings):
    """Where the thresholds are kept.

    Args:
        state: File they survive a restart in; None for `<data dir>/thresholds/thresholds.json`.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_THRESHOLD_ACTUATOR_", frozen=True, extra="forbid")

    state: Path | None = None
