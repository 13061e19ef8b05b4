"""Settings of the MAML trainer: from the environment, `HOMEOSTAT_MAML_TRAINER_…`."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MamlTrainerSettings(BaseSettings):
    """How it trains; what it trains is in the command.

    Args:
        device: `cpu`, `cuda` or `auto`.
        use_compile: torch.compile always (true) or never (false); unset, from 20,000 steps of a small network on.
        mixed_precision: bfloat16 where it is safe; pays on GPUs.
        hidden: Widths of the hidden layers of a first network; unset: 64, and for numbers 64 and 64.
        network: A backbone of your own, `package.module:function`; `function(n_inputs)` returns a torch module.
        gate_episodes: Episodes at the gate, where they are drawn.
        held_out_share: Of the tasks, if none is marked as held out: every n-th by id.
        checkpoint_seconds: Longest stretch of work that a kill can cost.
        retry_timeout_seconds: How long tasks, store or broker that are not there yet are waited for.
        tracking_uri: MLflow server (`http://…`) or folder of the record of runs; unset: a folder of this machine.
        tracking_token: Bearer token of that server, if it asks for one.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_MAML_TRAINER_", frozen=True, extra="forbid")

    device: str = "auto"
    use_compile: bool | None = None
    mixed_precision: bool = False
    hidden: tuple[int, ...] | None = None
    network: str = ""
    gate_episodes: int = Field(default=200, ge=10)
    held_out_share: float = Field(default=0.2, gt=0.0, lt=1.0)
    checkpoint_seconds: float = Field(default=10.0, ge=0.0)
    retry_timeout_seconds: float = Field(default=30.0, gt=0.0)
    tracking_uri: str = ""
    tracking_token: SecretStr = SecretStr("")
