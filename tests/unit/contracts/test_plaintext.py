"""Secrets go nowhere in plain text, unless to loopback or where a closed network is named."""

import pytest
from pydantic import ValidationError

from comms_service.settings import Settings as CommsSettings
from contracts.kit.command_line import read_settings
from contracts.kit.settings import ServiceSettings
from doc_service.settings import Settings as DocSettings
from rule_engine.settings import Settings as EngineSettings
from trigger_service.settings import Settings as TriggerSettings

KIT = {
    "DATABASE_URL": "postgresql://localhost/x",
    "KAFKA_BOOTSTRAP": "localhost:1",
    "AUTH_ISSUER": "x",
    "AUTH_AUDIENCE": "x",
}
COMMS = {
    "SMTP_URL": "smtp://127.0.0.1:25",
    "SMS_URL": "https://sms.example.com",
    "SMS_TOKEN": "t",
    "SMS_RECEIPT_SECRET": "whsec_x",
    "PUBLIC_COMMS_URL": "https://crm.example.com",
    "DOC_SERVICE_URL": "https://doc-service",
}
DOC = {"PUBLIC_DOC_URL": "https://crm.example.com"}
ENGINE = {"TEMPORAL_ADDRESS": "localhost:1", "ENTITY_SERVICE_URL": "https://entity-service"}
TRIGGER = {"ENTITY_SERVICE_URL": "https://entity-service", "SECRETS_KEY": "x"}
OF: dict[type[ServiceSettings], dict[str, str]] = {
    CommsSettings: COMMS,
    DocSettings: DOC,
    EngineSettings: ENGINE,
    TriggerSettings: TRIGGER,
}
SECRETIVE: list[tuple[type[ServiceSettings], str]] = [
    *((CommsSettings, name) for name in ("SMS_URL", "PUBLIC_COMMS_URL", "DOC_SERVICE_URL", "AUTH_JWKS_URL")),
    *((DocSettings, name) for name in ("PUBLIC_DOC_URL", "FILES_URL")),
    *(
        (EngineSettings, f"{name}_SERVICE_URL")
        for name in ("ENTITY", "TRIGGER", "DOC", "COMMS")
    ),
    (TriggerSettings, "ENTITY_SERVICE_URL"),
    (TriggerSettings, "CHALLENGE_VERIFY_URL"),
]  # fmt: skip
LOOPBACK = ["http://localhost:8001", "http://127.0.0.1", "http://127.8.9.1:80", "http://[::1]:80", "http://a.localhost"]
EXPECTED = "expected smtp://host:port or smtps://host:port"
EXPOSED = ["http://10.0.0.1", "http://sms.example.com:8080/a", "HTTP://entity-service", "http://localhost.example.com"]


def fault(monkeypatch: pytest.MonkeyPatch, kind: type[ServiceSettings], **changes: str) -> str | None:
    """What a service says that is started with these settings beside good ones; null when it would start."""
    for name, value in (KIT | OF[kind] | changes).items():
        monkeypatch.setenv(name, value)
    try:
        read_settings(kind)
    except SystemExit as ended:
        return str(ended.code)
    return None


@pytest.mark.parametrize(("kind", "name"), SECRETIVE, ids=lambda one: one if isinstance(one, str) else one.__module__)
def test_an_address_that_secrets_go_to_is_not_http_but_on_loopback(
    monkeypatch: pytest.MonkeyPatch, kind: type[ServiceSettings], name: str
) -> None:
    assert [fault(monkeypatch, kind, **{name: url}) for url in LOOPBACK] == [None] * len(LOOPBACK)
    for url in EXPOSED:
        said = fault(monkeypatch, kind, **{name: url})
        assert said, url
        assert said.startswith(f"{name}: http to ")
        assert said.endswith("use https, or name the host in PLAINTEXT_ALLOWED if nobody can listen on the way to it")


def test_every_url_among_the_settings_is_one_of_these() -> None:
    others = {"DATABASE_URL", "DATABASE_OWNER_URL", "SMTP_URL"}
    found = {(kind, name.upper()) for kind in OF for name in kind.model_fields if name.endswith("_url")}
    of_the_kit = {(kind, "AUTH_JWKS_URL") for kind in OF}
    assert {(kind, name) for kind, name in found if name not in others} == {*SECRETIVE} | of_the_kit


def test_a_closed_network_is_named_by_its_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {"PLAINTEXT_ALLOWED": "Entity-Service, doc-service"}
    for url, expected in (("http://entity-service:8001", None), ("http://entity-service.example.com", str)):
        said = fault(monkeypatch, EngineSettings, ENTITY_SERVICE_URL=url, **allowed)
        assert said is None if expected is None else isinstance(said, expected)


@pytest.mark.parametrize(
    ("url", "starts"),
    [
        ("smtp://mail.example.com:25", True),
        ("smtp://me:word@localhost:25", True),
        ("smtp://me:word@mail.example.com:25", False),
        ("smtp://me:word@mail.example.com:25?starttls=false", False),
        ("smtp://me:word@mail.example.com:25?starttls=true", True),
        ("smtps://me:word@mail.example.com", True),
    ],
)
def test_a_password_goes_to_a_mail_server_by_tls_alone(monkeypatch: pytest.MonkeyPatch, url: str, starts: bool) -> None:
    said = fault(monkeypatch, CommsSettings, SMTP_URL=url)
    assert (said is None) == starts
    if said is not None:
        assert said.startswith(
            "SMTP_URL: the password could reach mail.example.com in plain text: use smtps, or ?start"
        )
        assert "word@" not in said
        assert fault(monkeypatch, CommsSettings, SMTP_URL=url, PLAINTEXT_ALLOWED="mail.example.com") is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"KAFKA_BOOTSTRAP": "localhost:9092,kafka.example.com:9092"}, "what goes to kafka.example.com could be read"),
        ({"KAFKA_BOOTSTRAP": "kafka.example.com:9092", "KAFKA_TLS": "true"}, None),
        ({"KAFKA_SASL": "SCRAM-SHA-512"}, "KAFKA_SECRET_FILE"),
        ({"KAFKA_SASL": "SCRAM-SHA-512", "KAFKA_SECRET_FILE": "x"}, "KAFKA_USER"),
        ({"KAFKA_SASL": "OAUTHBEARER", "KAFKA_SECRET_FILE": "x"}, None),
        ({"KAFKA_CA_FILE": "x"}, "KAFKA_TLS"),
        ({"KAFKA_TLS": "true", "KAFKA_CERT_FILE": "x"}, "KAFKA_CERT_FILE"),
        ({"DATABASE_URL": "postgresql://me:word@db.example.com/x"}, "could be read, or answered, by others"),
        ({"DATABASE_URL": "postgresql://db.example.com/x?sslmode=require"}, "sslmode=verify-full"),
        ({"DATABASE_URL": "postgresql://db.example.com/x?sslmode=verify-full&sslrootcert=x"}, None),
        ({"DATABASE_OWNER_URL": "postgresql://db.example.com/x"}, "DATABASE_OWNER_URL"),
        ({"DATABASE_URL": "postgresql://db/x", "PLAINTEXT_ALLOWED": "db"}, None),
        ({"KAFKA_BOOTSTRAP": "localhost,[::1]:9092"}, None),
        ({"KAFKA_BOOTSTRAP": "localhost,kafka.example.com"}, "what goes to kafka.example.com could be read"),
        ({"DATABASE_URL": "postgresql://localhost:1,db.example.com:1/x"}, "what goes to db.example.com could be read"),
        ({"DATABASE_URL": "postgresql:///x?host=db.example.com"}, "what goes to db.example.com could be read"),
        ({"DATABASE_URL": "postgresql://me:word@/x?host=/var/run/postgresql"}, None),
        ({"TEMPORAL_ADDRESS": "temporal.example.com"}, "TEMPORAL_TLS"),
        ({"TEMPORAL_ADDRESS": "temporal.example.com:7233"}, "TEMPORAL_TLS"),
        ({"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_TLS": "true"}, None),
        ({"TEMPORAL_CA_FILE": "x"}, "TEMPORAL_TLS"),
        ({"TEMPORAL_TLS": "true", "TEMPORAL_KEY_FILE": "x"}, "TEMPORAL_CERT_FILE"),
    ],
    ids=str,
)
def test_servers_are_reached_over_tls_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str | None
) -> None:
    said = fault(monkeypatch, EngineSettings, **settings)
    assert says in said if says and said else said == says
    assert "word" not in (said or "")


def test_no_value_of_a_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault(monkeypatch, CommsSettings, SMTP_URL="smtp://me:word") == f"SMTP_URL: {EXPECTED}"
    said = fault(monkeypatch, CommsSettings, SMTP_URL="imap://me:word@mail.example.com", LEASE_S="soon")
    assert said == (
        f"LEASE_S: Input should be a valid number, unable to parse string as a number\nSMTP_URL: {EXPECTED}"
    )
    with pytest.raises(ValidationError) as raised:
        CommsSettings.model_validate({"smtp_url": "imap://me:word@mail.example.com"})
    assert "word" not in str(raised.value)
