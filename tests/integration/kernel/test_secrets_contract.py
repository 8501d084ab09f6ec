"""Secrets by reference: the fake and AWS keep one contract."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from infra.local import ports
from infra.local.aws import Aws
from kernel.errors import SecretAbsent, SecretsUnavailable, SettingsInvalid
from kernel.secrets import CACHE_S, AwsSecrets, Secrets
from kernel.testing import FakeClock, InMemorySecrets

pytestmark = pytest.mark.integration


@dataclass
class Subject:
    secrets: Secrets
    put: Callable[[str, str], None]


def fake() -> Subject:
    secrets = InMemorySecrets()
    return Subject(secrets, secrets.put)


def real(aws: Aws) -> Subject:
    def put(ref: str, secret: str) -> None:
        scheme, _, name = ref.partition(":")
        if scheme == "ssm":
            aws.client("ssm").put_parameter(Name=name, Value=secret, Type="SecureString", Overwrite=True)
        else:
            aws.put_secret(name, secret)

    return Subject(AwsSecrets("test"), put)


@pytest.fixture(params=["fake", "aws"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return fake() if request.param == "fake" else real(request.getfixturevalue("aws"))


@pytest.mark.parametrize("ref", ["secretsmanager:counterpart/test/jwt", "ssm:/counterpart/test/jwt"])
def test_a_reference_resolves_to_its_secret(subject: Subject, ref: str) -> None:
    """By scheme and name; a repr does not show it."""
    subject.put(ref, "canary")
    secret = subject.secrets.resolve(ref)

    assert (secret.get_secret_value(), "canary" in repr(secret)) == ("canary", False)


def test_a_plain_reference_is_its_own_secret_in_tests(subject: Subject) -> None:
    """Colons belong to it."""
    assert subject.secrets.resolve("plain:postgresql://u:p@h/d").get_secret_value() == "postgresql://u:p@h/d"


@pytest.mark.parametrize("ref", ["secretsmanager:absent", "ssm:absent"])
def test_an_absent_secret_is_named(subject: Subject, ref: str) -> None:
    """SecretAbsent says which."""
    with pytest.raises(SecretAbsent) as absent:
        subject.secrets.resolve(ref)

    assert absent.value.details["name"] == "absent"


@pytest.mark.parametrize("ref", ["secretsmanager:counterpart/test/canary", "ssm:/counterpart/test/canary"])
def test_what_the_store_answers_is_in_no_log(aws: Aws, caplog: pytest.LogCaptureFixture, ref: str) -> None:
    """At DEBUG boto3 writes every answer down; a secret is not among them."""
    subject = real(aws)
    subject.put(ref, "canary-7f3a9c")
    caplog.set_level(logging.DEBUG)
    secret = subject.secrets.resolve(ref)

    assert "canary-7f3a9c" == secret.get_secret_value()
    assert "botocore" in caplog.text
    assert "canary-7f3a9c" not in caplog.text


def test_a_binary_secret_is_refused_by_name(aws: Aws) -> None:
    """All of ours are texts; nothing of it is quoted."""
    aws.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"canary")
    with pytest.raises(SecretAbsent, match="binary") as refused:
        AwsSecrets("production").resolve("secretsmanager:binary")

    assert {"name": "binary"} == refused.value.details


def test_a_rotated_secret_is_seen_after_five_minutes(aws: Aws) -> None:
    """Remembered until then, to spare the store."""
    clock = FakeClock()
    secrets = AwsSecrets("production", clock)
    ref = aws.put_secret("rotating", "old")
    first = secrets.resolve(ref).get_secret_value()
    aws.put_secret("rotating", "new")
    clock.advance(CACHE_S - 1)
    second = secrets.resolve(ref).get_secret_value()
    clock.advance(1)

    assert (first, second, secrets.resolve(ref).get_secret_value()) == ("old", "old", "new")


@pytest.mark.parametrize("ref", ["plain:canary", "vault:x", "nonsense"])
def test_production_knows_no_plain_secrets(ref: str) -> None:
    """Only references to a store, and the refusal does not repeat it."""
    with pytest.raises(SettingsInvalid) as refused:
        AwsSecrets("production").resolve(ref)

    assert "canary" not in str(refused.value)


def test_a_store_that_is_away_is_unavailable(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transient: the next attempt may succeed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{ports.requested_port(0)}")
    with pytest.raises(SecretsUnavailable):
        AwsSecrets("production").resolve("secretsmanager:any")
