import ast
import shutil
import ssl
from pathlib import Path

import faust
import pytest

from gridstress.kafka_connection import Cluster, connection, faust_credentials, ssl_context
from gridstress.settings import load_settings
from tests.integration.secure_kafka import PASSWORD, make_certificates
from topology.errors import UsageError

SASL = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_username": "grid",
    "kafka_sasl_password": PASSWORD,
}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    make_certificates(tmp_path)
    return tmp_path


def test_without_settings_everybody_is_let_in() -> None:
    cluster = load_settings(broker="kafka://host:9092").kafka
    assert connection(cluster) == connection("host:9092") == connection("kafka://host:9092")
    assert connection("host:9092")["security_protocol"] == "PLAINTEXT"
    assert faust_credentials(cluster) is None


def test_a_user_reaches_aiokafka_and_faust_alike() -> None:
    cluster = load_settings(**SASL).kafka
    found = connection(cluster)
    assert isinstance(found.pop("ssl_context"), ssl.SSLContext)
    assert found == {
        "bootstrap_servers": "localhost:29092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "grid",
        "sasl_plain_password": PASSWORD,
    }
    credentials = faust_credentials(cluster)
    assert isinstance(credentials, faust.SASLCredentials)
    assert credentials.protocol.value == "SASL_SSL"
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert (credentials.username, credentials.password) == ("grid", PASSWORD)
    assert credentials.ssl_context is not None


def test_a_user_without_tls_has_no_tls() -> None:
    cluster = load_settings(**{**SASL, "kafka_security_protocol": "SASL_PLAINTEXT"}).kafka
    assert "ssl_context" not in connection(cluster)
    assert faust_credentials(cluster).protocol.value == "SASL_PLAINTEXT"


def test_the_brokers_certificate_and_name_are_always_checked(files: Path) -> None:
    context = ssl_context(Cluster("h:1", "SSL", cafile=files / "ca.pem"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    (known,) = context.get_ca_certs()
    assert known["subject"] == ((("commonName", "test CA"),),)
    assert isinstance(
        faust_credentials(Cluster("h:1", "SSL", cafile=files / "ca.pem")), faust.SSLCredentials
    )


def mtls(files: Path, **changes: object) -> Cluster:
    given: dict[str, object] = {
        "cafile": files / "ca.pem",
        "certfile": files / "client.pem",
        "keyfile": files / "client.key",
        "key_password": PASSWORD,
    }
    return Cluster("h:1", "SSL", **{**given, **changes})  # type: ignore[arg-type]


def test_an_encrypted_key_is_opened_with_its_password(files: Path) -> None:
    assert ssl_context(mtls(files))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cafile": Path("none.pem")}, "GRIDSTRESS_KAFKA_SSL_CAFILE: there is no file none.pem"),
        ({"cafile": Path("client.key")}, "GRIDSTRESS_KAFKA_SSL_CAFILE: client.key cannot be used"),
        ({"certfile": Path("none.pem")}, "GRIDSTRESS_KAFKA_SSL_CERTFILE: there is no file"),
        ({"keyfile": Path("none.key")}, "GRIDSTRESS_KAFKA_SSL_KEYFILE: there is no file"),
        ({"keyfile": Path("broker.key")}, "GRIDSTRESS_KAFKA_SSL_CERTFILE: .* cannot be used"),
        ({"key_password": "wrong"}, "GRIDSTRESS_KAFKA_SSL_CERTFILE: .* cannot be used"),
        ({"key_password": ""}, "the key is encrypted"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_setting(
    files: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        connection(mtls(files, **changes))
    assert PASSWORD not in str(caught.value)


def test_a_cluster_as_text_is_its_address_and_never_a_secret() -> None:
    cluster = load_settings(**SASL).kafka
    assert str(cluster) == "localhost:29092"
    assert PASSWORD not in repr(cluster)
    assert PASSWORD not in repr(load_settings(**SASL))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "needs both GRIDSTRESS_KAFKA_SASL_USERNAME"),
        ({"kafka_sasl_username": "grid"}, "of no use with .* PLAINTEXT"),
        ({"kafka_ssl_cafile": "ca.pem"}, "of no use with .* PLAINTEXT"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ssl_keyfile": "key.pem"},
            "need GRIDSTRESS_KAFKA_SSL_CERTFILE",
        ),
        ({**SASL, "broker_kind": "embedded"}, "the embedded broker knows no"),
        ({"kafka_security_protocol": "TLS"}, "GRIDSTRESS_KAFKA_SECURITY_PROTOCOL has value 'TLS'"),
        ({**SASL, "kafka_sasl_mechanism": "GSSAPI"}, "GRIDSTRESS_KAFKA_SASL_MECHANISM has value"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load_settings(**given)
    assert PASSWORD not in str(caught.value)


def test_a_broker_that_asks_for_a_user_is_never_the_embedded_one() -> None:
    assert load_settings().known_kind == "auto"
    assert load_settings(**SASL).known_kind == "kafka"


def test_every_client_of_kafka_says_who_we_are() -> None:
    checkout = Path(__file__).parents[2]
    found = []
    for path in [*checkout.glob("gridstress/**/*.py"), *checkout.glob("ui/**/*.py")]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if not name.rpartition(".")[2].startswith("AIOKafka"):
                continue
            assert isinstance(call, ast.Call)
            given = [keyword.arg for keyword in call.keywords]
            assert None in given, f"{path.name}:{call.lineno} {name} has no **connection(...)"
            assert "bootstrap_servers" not in given
            found.append(name)
    assert len(found) >= 6
