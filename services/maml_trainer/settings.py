"""Settings of the MAML trainer: from the environment, `HOMEOSTAT_MAML_TRAINER_…`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MamlTrainerSettings(BaseSettings):
    """How it trains; what it trains is in the command.

    Args:
        device: `cpu`, `cuda` or `auto`.
        use_compile: torch.compile: worth it from a few thousand steps on.
        hidden: Widths of the hidden layers of a first network.
        gate_shots: Labels per class at the gate.
        held_out_share: Of the tasks, if none is marked as held out: every n-th by id.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_MAML_TRAINER_", frozen=True, extra="forbid")

    device: str = "auto"
    use_compile: bool = False
    hidden: tuple[int, ...] = (64,)
    gate_shots: int = Field(default=1, ge=1)
    held_out_share: float = Field(default=0.2, gt=0.0, lt=1.0)
