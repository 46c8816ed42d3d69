"""Connection to a Kafka cluster: its address, TLS and authentication.

Everything that connects takes its keyword arguments from here: aiokafka's clients from
`connection`, the Faust app from `faust_credentials`.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from topology.errors import UsageError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True)
class Cluster:
    """A Kafka cluster and what it takes to be let in.

    Written as text it is its address, never a secret.

    Parameters
    ----------
    bootstrap
        ``host:port``, several separated by commas.
    protocol
        With TLS (``SSL``, ``SASL_SSL``) or without, with a user (``SASL_...``) or without.
    mechanism, username, password
        How the user is proved; only with ``SASL_...``.
    cafile
        Certificates (PEM) that the broker's must be signed by; those of the system if None.
    certfile, keyfile, key_password
        Our own certificate and its key (PEM), for brokers that ask for one (mTLS); without
        ``keyfile`` the key stands in ``certfile``.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    key_password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.bootstrap

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        """Whether we name a user."""
        return self.protocol.startswith("SASL_")


def inconsistency(cluster: Cluster, *, has_password: bool) -> str | None:
    """Say which ``GRIDSTRESS_KAFKA_...`` settings do not go together; None if all do."""
    protocol, named = cluster.protocol, (bool(cluster.username), has_password)
    if cluster.sasl and not all(named):
        return (
            f"GRIDSTRESS_KAFKA_SECURITY_PROTOCOL {protocol} needs both "
            "GRIDSTRESS_KAFKA_SASL_USERNAME and GRIDSTRESS_KAFKA_SASL_PASSWORD"
        )
    if not cluster.sasl and any(named):
        return (
            "GRIDSTRESS_KAFKA_SASL_USERNAME and _PASSWORD are of no use with "
            f"GRIDSTRESS_KAFKA_SECURITY_PROTOCOL {protocol}: SASL_SSL uses them"
        )
    if not cluster.tls and any((cluster.cafile, cluster.certfile, cluster.keyfile)):
        return (
            "GRIDSTRESS_KAFKA_SSL_... is of no use with "
            f"GRIDSTRESS_KAFKA_SECURITY_PROTOCOL {protocol}: SSL and SASL_SSL use it"
        )
    if cluster.certfile is None and (cluster.keyfile or cluster.key_password):
        return "GRIDSTRESS_KAFKA_SSL_KEYFILE and _KEY_PASSWORD need GRIDSTRESS_KAFKA_SSL_CERTFILE"
    return None


Where = str | Cluster
"""A cluster; a bare ``host:port`` is one that lets everybody in."""


def connection(where: Where) -> dict[str, Any]:
    """Keyword arguments with which any aiokafka client connects to the cluster.

    Raises
    ------
    UsageError
        If a certificate or key cannot be used.
    """
    cluster = Cluster(where) if isinstance(where, str) else where
    found: dict[str, Any] = {
        "bootstrap_servers": cluster.bootstrap.removeprefix("kafka://"),
        "security_protocol": cluster.protocol,
    }
    if cluster.tls:
        found["ssl_context"] = ssl_context(cluster)
    if cluster.sasl:
        found |= {
            "sasl_mechanism": cluster.mechanism,
            "sasl_plain_username": cluster.username,
            "sasl_plain_password": cluster.password,
        }
    return found


def faust_credentials(cluster: Cluster) -> Any:
    """The same as Faust's ``broker_credentials``; None where everybody is let in.

    Raises
    ------
    UsageError
        If a certificate or key cannot be used.
    """
    import faust

    context = ssl_context(cluster) if cluster.tls else None
    if cluster.sasl:
        return faust.SASLCredentials(
            username=cluster.username,
            password=cluster.password,
            mechanism=cluster.mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def ssl_context(cluster: Cluster) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, with our own certificate if there is one.

    Raises
    ------
    UsageError
        Naming the setting whose file is missing or cannot be used.
    """
    for name, path in (
        ("CAFILE", cluster.cafile),
        ("CERTFILE", cluster.certfile),
        ("KEYFILE", cluster.keyfile),
    ):
        if path is not None and not path.is_file():
            raise UsageError(f"GRIDSTRESS_KAFKA_SSL_{name}: there is no file {path}")
    try:
        context = ssl.create_default_context(cafile=cluster.cafile)
    except (ssl.SSLError, OSError) as error:
        raise UsageError(
            f"GRIDSTRESS_KAFKA_SSL_CAFILE: {cluster.cafile} cannot be used: {_reason(error)}",
            hint="it has to hold certificates in PEM form",
        ) from None
    if cluster.certfile is None:
        return context
    # Without a password OpenSSL would ask for one on the terminal, and wait.
    password = cluster.key_password or _no_password
    try:
        context.load_cert_chain(cluster.certfile, cluster.keyfile, password)
    except (ssl.SSLError, OSError, _PasswordMissingError) as error:
        raise UsageError(
            f"GRIDSTRESS_KAFKA_SSL_CERTFILE: {cluster.certfile} cannot be used with its key"
            f" {cluster.keyfile or ''}: {_reason(error)}",
            hint="certificate and key in PEM form; for an encrypted key also "
            "GRIDSTRESS_KAFKA_SSL_KEY_PASSWORD",
        ) from None
    return context


class _PasswordMissingError(Exception):
    """The key is encrypted and there is no password."""


def _no_password() -> str:
    raise _PasswordMissingError("the key is encrypted")


def _reason(error: Exception) -> str:
    return (getattr(error, "reason", None) or str(error) or type(error).__name__).strip()
