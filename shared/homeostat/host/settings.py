"""Settings of a host process: from the environment (`HOMEOSTAT_…`) only; nothing here changes an output."""

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_BOOTSTRAP: Final = "127.0.0.1:9092"


class HostSettings(BaseSettings):
    """Where a host finds its broker, keys and store, and how it behaves.

    Args:
        bootstrap_servers: Kafka brokers, `host:port[,host:port]`.
        data_dir: Keys, artifacts and state files of this machine.
        store: Artifact store: a folder or an object store's URL; default `<data_dir>/artifacts`.
        redis_url: Redis of the online feature store, `redis://host:port/database`; none without it.
        snapshot_interval_seconds: Longest time between two snapshots of a partition with changes.
        metrics_port: Port of metrics and health; 0 picks a free one.
        metrics_address: Interface of that port; there is no authentication.
        adopt_version: Take over the unclean snapshot of another version, see `VersionMismatch`.
        security_protocol: As in librdkafka.
        sasl_mechanism: As in librdkafka.
        sasl_username: As in librdkafka.
        sasl_password: As in librdkafka.
        ssl_ca_location: As in librdkafka.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_", frozen=True, extra="forbid", populate_by_name=True)

    bootstrap_servers: str = DEFAULT_BOOTSTRAP
    data_dir: Path = Path(".homeostat")
    store: str = ""
    redis_url: SecretStr = SecretStr("")
    snapshot_interval_seconds: float = Field(default=2.0, gt=0.0)
    metrics_port: int = Field(default=0, ge=0, le=65535)
    metrics_address: str = "127.0.0.1"
    adopt_version: bool = Field(default=False, validation_alias="HOMEOSTAT_HOST_ADOPT_VERSION")
    security_protocol: str = "plaintext"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ssl_ca_location: str = ""

    @property
    def keys_dir(self) -> Path:
        """Folder of the key files."""
        return self.data_dir / "keys"

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
            "security.protocol": self.security_protocol,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 500,
            "enable.metrics.push": False,
            "log_level": 0,  # what matters comes through callbacks; a broker that is away would fill the log
        }
        if self.sasl_mechanism:
            settings |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.sasl_username,
                "sasl.password": self.sasl_password.get_secret_value(),
            }
        if self.ssl_ca_location:
            settings["ssl.ca.location"] = self.ssl_ca_location
        return settings
