"""Settings of the HTTP door: from the environment, `HOMEOSTAT_HTTP_DOOR_…`."""

from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from homeostat.runtime.settings import WithoutServices
from homeostat.services.http_door.grants import doors_of


class HttpDoorSettings(BaseSettings):
    """Where it listens, who may say what, and how much of it.

    Args:
        host: Interface. Without any token settings only one of this machine's own is taken.
        port: Port.
        tls_certificate: PEM file; with `tls_key` the door speaks HTTPS. Tokens go over the wire: elsewhere than on one
            machine use it, or a proxy that does.
        tls_key: PEM file.
        tokens: TOML file with the digests of static tokens, their scopes and doors; read again when it changes.
        token_file: File with one token that may say everything; made if it is not there.
        oidc_issuer: `iss` of the tokens of an OpenID provider; none without it.
        oidc_audience: `aud` of these; needed with an issuer.
        oidc_jwks_url: Where its keys are; unset: where `/.well-known/openid-configuration` of the issuer says.
        oidc_scopes_claim: Claim that lists the scopes of Homeostat that a token speaks for, as an array or one text
            with spaces.
        oidc_doors: Doors that such a token may write to, separated by commas.
        events_per_second: That one token may send, on average.
        burst: Events that it may send at once beyond that.
        max_unacknowledged: Records that wait for Kafka; beyond these the answer is 503.
        body_bytes: Largest body.
        batch_events: Most events of a batch.
        delivery_timeout_seconds: How long Kafka has to acknowledge a record before the answer is 503.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEOSTAT_HTTP_DOOR_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=1, le=65535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tokens: Path | None = None
    token_file: Path | None = None
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    oidc_scopes_claim: str = "homeostat_scopes"
    oidc_doors: str = "telemetry,traces,requests,reports"
    events_per_second: float = Field(default=5_000.0, gt=0.0)
    burst: int = Field(default=10_000, ge=1)
    max_unacknowledged: int = Field(default=10_000, ge=1)
    body_bytes: int = Field(default=5_000_000, ge=1024)
    batch_events: int = Field(default=1_000, ge=1)
    delivery_timeout_seconds: float = Field(default=15.0, ge=1.0, le=90.0)

    @field_validator("oidc_doors")
    @classmethod
    def _known(cls, value: str) -> str:
        doors_of(value.split(","))
        return value

    @model_validator(mode="after")
    def _whole(self) -> "HttpDoorSettings":
        if bool(self.oidc_issuer) != bool(self.oidc_audience):
            raise ValueError("OIDC_ISSUER and OIDC_AUDIENCE are set together: a token for somebody else is not ours")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY are set together")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out what Kubernetes sets for a Service of the name homeostat-http-door; see `BaseSettings`."""
        return init_settings, WithoutServices(settings_cls)

    @property
    def oidc_topics(self) -> frozenset[str]:
        """Topics of `oidc_doors`."""
        return doors_of(self.oidc_doors.split(","))
