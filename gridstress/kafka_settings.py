"""The settings that say where Kafka is and how it lets us in."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from gridstress.kafka_connection import Cluster, Mechanism, Protocol, inconsistency


class KafkaSettings(BaseSettings):
    """The connection to Kafka, checked when it is read."""

    broker: str = Field(
        "kafka://localhost:29092",
        pattern=r"^kafka://[^\s/@]+$",
        description="Bootstrap servers. 29092 keeps clear of a Kafka that already runs on 9092.",
    )
    broker_kind: Literal["auto", "kafka", "embedded"] = Field(
        "auto",
        description="What answers there: the embedded broker needs work-arounds that Kafka does "
        "not. `auto` asks the broker for its cluster id.",
    )
    kafka_security_protocol: Protocol = Field(
        "PLAINTEXT",
        description="How the broker lets us in: `SSL` (TLS, with our own certificate: mTLS), "
        "`SASL_SSL` (TLS and a user), `SASL_PLAINTEXT` (a user, nothing encrypted) or "
        "`PLAINTEXT` (everybody).",
    )
    kafka_sasl_mechanism: Mechanism = Field(
        "SCRAM-SHA-512",
        description="How the user is proved. SCRAM never sends the password, PLAIN does: only "
        "with TLS.",
    )
    kafka_sasl_username: str = Field("", description="The user, with `SASL_...`.")
    kafka_sasl_password: SecretStr | None = Field(
        None, description="The user's password. Secret: never shown."
    )
    kafka_ssl_cafile: Path | None = Field(
        None,
        description="Certificates (PEM) that vouch for the broker's; by default those of the "
        "system. The broker's name is always checked.",
    )
    kafka_ssl_certfile: Path | None = Field(
        None, description="Our own certificate (PEM), for a broker that asks for one (mTLS)."
    )
    kafka_ssl_keyfile: Path | None = Field(
        None, description="Its key (PEM); by default it stands in the certificate's file."
    )
    kafka_ssl_key_password: SecretStr | None = Field(
        None, description="Password of an encrypted key. Secret: never shown."
    )

    @model_validator(mode="after")
    def _kafka_security_fits(self) -> Self:
        if problem := inconsistency(self.kafka, has_password=self.kafka_sasl_password is not None):
            raise ValueError(problem)
        if self.kafka_security_protocol != "PLAINTEXT" and self.broker_kind == "embedded":
            raise ValueError(
                "the embedded broker knows no GRIDSTRESS_KAFKA_SECURITY_PROTOCOL "
                f"{self.kafka_security_protocol}"
            )
        return self

    @property
    def bootstrap(self) -> str:
        """The broker as ``host:port``, as aiokafka wants it."""
        return self.broker.removeprefix("kafka://")

    @property
    def kafka(self) -> Cluster:
        """The cluster, with what it takes to be let in."""
        return Cluster(
            self.bootstrap,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_sasl_username,
            plain(self.kafka_sasl_password),
            self.kafka_ssl_cafile,
            self.kafka_ssl_certfile,
            self.kafka_ssl_keyfile,
            plain(self.kafka_ssl_key_password),
        )

    @property
    def known_kind(self) -> Literal["auto", "kafka", "embedded"]:
        """What answers there: what asks for a user or a certificate is never the embedded one."""
        return "kafka" if self.kafka_security_protocol != "PLAINTEXT" else self.broker_kind


def plain(value: SecretStr | None) -> str:
    """A secret in plain text; empty if there is none."""
    return value.get_secret_value() if value else ""
