"""Settings of the retrain actuator: from the environment, `HOMEOSTAT_RETRAIN_ACTUATOR_…`."""

import sys
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_DEFAULT_RECIPE: Final[tuple[str, ...]] = (
    sys.executable,
    "-m",
    "homeostat.services.retrain_actuator.recipes.mlp",
    "{job}",
)


class RetrainActuatorSettings(BaseSettings):
    """What may be run, and within what limits.

    Args:
        recipes: Command line by name of the recipe; `{job}` stands for the path of the job file. Those of
            `<data_dir>/recipes.json`, which `homeostat apply` writes, come beside them.
        memory_bytes: Address space of one training process; 0 for no limit (CUDA needs none).
        retry_timeout_seconds: How long data or store that is not there yet is waited for.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_RETRAIN_ACTUATOR_", frozen=True, extra="forbid")

    recipes: dict[str, tuple[str, ...]] = Field(default_factory=lambda: {"default": _DEFAULT_RECIPE})
    memory_bytes: int = Field(default=4 << 30, ge=0)
    retry_timeout_seconds: float = Field(default=30.0, gt=0.0)
