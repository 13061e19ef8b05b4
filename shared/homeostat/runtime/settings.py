"""Settings of a host process: from the environment (`HOMEOSTAT_…`) only; nothing here changes an output."""

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from homeostat.admission.salt import Salt
from homeostat.audit.secret_file import read_secret
from homeostat.events.logs import DOORS, QUARANTINE_DAYS
from homeostat.runtime.kubernetes import is_service_variable
from homeostat.runtime.librdkafka import check_properties, properties_of

DEFAULT_BOOTSTRAP: Final = "127.0.0.1:9092"
_PREFIX: Final = "homeostat."


class WithoutServices(EnvSettingsSource):
    """The environment without what Kubernetes sets for Services: `HOMEOSTAT_METRICS_PORT=tcp://…` is no port."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """See `EnvSettingsSource`."""
        value, key, is_complex = super().get_field_value(field, field_name)
        is_foreign = isinstance(value, str) and is_service_variable(f"{self.env_prefix}{key}".upper(), value)
        return (None if is_foreign else value), key, is_complex


SALT_FILE: Final = "personal.salt"
"""Among the keys of a data folder."""


class HostSettings(BaseSettings):
    """Where a host finds its broker, keys and store, and how it behaves.

    Args:
        bootstrap_servers: Kafka brokers, `host:port[,host:port]`.
        data_dir: Keys, artifacts and state files of this machine.
        store: Artifact store: a folder or an object store's URL; default `<data_dir>/artifacts`.
        notary_keys: Public keys of the notary, in hex and separated by commas, or a folder with `notary.pub`; default
            `<data_dir>/keys`. Whoever obeys commands checks them with these.
        quarantine_retention_days: How long refused input is kept, where topics are made or repaired.
        personal_salt: Secret that digests of personal data are salted with, the same one on every host of a deployment;
            default: what is in `<data_dir>/keys/personal.salt`, as `homeostat up` makes it. Without either, who reads
            the logs can try values out.
        redis_url: Redis of the online feature store, `redis://host:port/database`; none without it.
        snapshot_interval_seconds: Shortest time between two snapshots of a partition with changes; they come later, at
            most a minute, where they would write much more than was read.
        metrics_port: Port of metrics and health; 0 picks a free one.
        metrics_address: Interface of that port; there is no authentication.
        adopt_version: Take over the unclean snapshot of another version, see `VersionMismatch`.
        snapshots_key: File with the key that snapshots are sealed with, the same for all hosts of folds; unset:
            `<data_dir>/keys/snapshots.key`, and without that file no seal is asked for.
        adopt_snapshots: Seal, once, what was stored before there was a key, see `SnapshotUnsealed`.
        intake_doors: Doors that an intake in this process guards, separated by commas: telemetry, traces, requests,
            reports. That of requests is for an instance of its own: people do not wait for machines.
        auditor_checkpoint: Where the auditor keeps its last checkpoint, outside of the broker: a path, or the URL of an
            object of a bucket; default `<data_dir>/audit/checkpoint.json`. Best where the broker's operator cannot
            write.
        group_protocol: Of consumer groups: `consumer` (KIP-848, from Kafka 4.0 on), `classic`, or what the broker has.
        kafka: Settings of librdkafka for every connection, by their names; from `HOMEOSTAT_KAFKA_<NAME>`, dots as
            underscores.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_", frozen=True, extra="forbid", populate_by_name=True)

    bootstrap_servers: str = DEFAULT_BOOTSTRAP
    data_dir: Path = Path(".homeostat")
    store: str = ""
    notary_keys: str = ""
    quarantine_retention_days: float = Field(default=QUARANTINE_DAYS, gt=0.0, le=36_500.0)
    personal_salt: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    snapshot_interval_seconds: float = Field(default=2.0, gt=0.0)
    metrics_port: int = Field(default=0, ge=0, le=65535)
    metrics_address: str = "127.0.0.1"
    adopt_version: bool = Field(default=False, validation_alias="HOMEOSTAT_HOST_ADOPT_VERSION")
    snapshots_key: Path | None = None
    adopt_snapshots: bool = Field(default=False, validation_alias="HOMEOSTAT_HOST_ADOPT_SNAPSHOTS")
    intake_doors: str = "telemetry,traces,requests,reports"
    auditor_checkpoint: str = ""
    group_protocol: Literal["auto", "consumer", "classic"] = "auto"
    kafka: dict[str, SecretStr] = Field(default_factory=lambda: _secret(properties_of(os.environ)))

    @field_validator("kafka")
    @classmethod
    def _checked(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        check_properties({name: secret.get_secret_value() for name, secret in value.items()})
        return value

    @field_validator("intake_doors")
    @classmethod
    def _known(cls, value: str) -> str:
        doors = [door.removeprefix(_PREFIX) for door in DOORS]
        named = [name.strip() for name in value.split(",") if name.strip()]
        if not named or set(named) - set(doors) or len(set(named)) < len(named):
            raise ValueError(f"{value!r}: name each door once, out of {', '.join(doors)}, separated by commas")
        return ",".join(named)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put arguments before the environment; see `BaseSettings`."""
        return init_settings, WithoutServices(settings_cls)

    @property
    def salt(self) -> Salt:
        """Of digests of personal data: as told, or that of `homeostat up`.

        Raises:
            SecretUnusable: The file may not be used.
        """
        told, path = self.personal_salt.get_secret_value(), self.keys_dir / SALT_FILE
        return Salt((told or (read_secret(path) if path.exists() else "")).encode())

    @property
    def doors(self) -> frozenset[str]:
        """Topics of the doors that an intake in this process guards."""
        return frozenset(_PREFIX + name for name in self.intake_doors.split(","))

    @property
    def checkpoint_url(self) -> str:
        """Where the auditor keeps its last checkpoint."""
        return self.auditor_checkpoint or str(self.data_dir / "audit" / "checkpoint.json")

    @property
    def keys_dir(self) -> Path:
        """Folder of the key files."""
        return self.data_dir / "keys"

    @property
    def token_file(self) -> Path:
        """File with the token that the embedded model server wants before it lets itself be set."""
        return self.keys_dir / "model-server.token"

    @property
    def store_url(self) -> str:
        """Where artifacts lie."""
        return self.store or str(self.data_dir / "artifacts")

    @property
    def brake_file(self) -> Path:
        """File that brakes the hands of this machine while the broker is away."""
        return self.data_dir / "brake.json"

    def client(self) -> dict[str, str | int | float | bool]:
        """Connection settings common to every librdkafka client."""
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap_servers,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 500,
            "enable.metrics.push": False,
            "security.protocol": "plaintext",
            "log_level": 0,  # what matters comes through callbacks; a broker that is away would fill the log
        }
        return settings | {name: secret.get_secret_value() for name, secret in self.kafka.items()}


def _secret(properties: dict[str, str]) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in properties.items()}
