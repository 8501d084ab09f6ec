"""Secrets through AWS's extension: what it tells is taken, and whatever it does not tell is asked of the store."""

import logging
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from infra.local import ports
from infra.local.aws import Aws
from kernel.errors import SecretAbsent, SecretsUnavailable, SettingsInvalid
from kernel.secrets import AwsSecrets
from kernel.secrets.extension import Extension
from kernel.settings import KernelSettings
from kernel.testing import FakeClock
from kernel.wiring import Kernel
from tests.integration.kernel.extension_stand_in import TOKEN, ExtensionStandIn

pytestmark = pytest.mark.integration

TIMEOUT_S = 0.3
DEPLOYED = {
    "stage": "prod",
    "database_url": "secretsmanager:database",
    "redis_rest_url": "https://redis.example",
    "redis_rest_token": "secretsmanager:token",
    "queue_url_prefix": "https://sqs.example/",
    "jwt_secret": "secretsmanager:jwt",
}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExtensionStandIn]:
    """The extension beside this function."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    with ExtensionStandIn() as running:
        yield running


def through(stand_in: ExtensionStandIn, clock: FakeClock | None = None) -> AwsSecrets:
    return AwsSecrets("production", clock, extension=Extension(stand_in.port, timeout_s=TIMEOUT_S))


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the store itself gets no answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{ports.requested_port(0)}")


@pytest.mark.usefixtures("no_store")
@pytest.mark.parametrize(
    "name", ["counterpart/prod/jwt-secret", "arn:aws:secretsmanager:eu-central-1:1:secret:a-b", "ü &?"]
)
def test_a_secret_is_the_extensions(stand_in: ExtensionStandIn, name: str) -> None:
    """By its name as it is, and the store is not asked."""
    stand_in.secrets[name] = {"SecretString": "canary"}
    secret = through(stand_in).resolve(f"secretsmanager:{name}")

    assert ("canary", [name]) == (secret.get_secret_value(), stand_in.asked)


@pytest.mark.usefixtures("no_store")
def test_a_parameter_is_the_extensions(stand_in: ExtensionStandIn) -> None:
    """Decrypted, under its path."""
    stand_in.secrets["/counterpart/prod/jwt"] = {"Value": "canary"}

    assert "canary" == through(stand_in).resolve("ssm:/counterpart/prod/jwt").get_secret_value()


@pytest.mark.usefixtures("no_store")
def test_a_rotated_secret_is_seen_when_the_extension_sees_it(stand_in: ExtensionStandIn) -> None:
    """Its memory is the only one: two of five minutes would be ten."""
    secrets = through(stand_in, FakeClock())
    stand_in.secrets["rotating"] = {"SecretString": "old"}
    first = secrets.resolve("secretsmanager:rotating").get_secret_value()
    stand_in.secrets["rotating"] = {"SecretString": "new"}

    assert ("old", "new") == (first, secrets.resolve("secretsmanager:rotating").get_secret_value())


@pytest.mark.usefixtures("no_store")
@pytest.mark.parametrize(("asked_first", "refused"), [("extension", False), ("store", True)])
def test_a_container_asks_the_extension_where_it_is_told_to(
    stand_in: ExtensionStandIn, asked_first: str, refused: bool
) -> None:
    """By its settings, on the port that they name."""
    stand_in.secrets["jwt"] = {"SecretString": "canary"}
    told = {"secrets_from": asked_first, "secrets_extension_port": stand_in.port}
    kernel = Kernel(KernelSettings.model_validate({**DEPLOYED, **told}))
    with pytest.raises(SecretsUnavailable) if refused else nullcontext():
        kernel.secrets.resolve("secretsmanager:jwt")

    assert ([] if refused else ["jwt"]) == stand_in.asked


SILENT = {
    "not ready before the first invocation": (400, b"not ready to serve traffic, please wait"),
    "a status of its own": (500, b""),
    "no JSON": (200, b"<html>"),
    "JSON of another shape": (200, b'["SecretString"]'),
    "a name without its value": (200, b'{"Parameter": null}'),
    "a value that is no text": (200, b'{"SecretString": {"a": 1}}'),
    "no end": (200, b'{"SecretString": "' + b"x" * 1_000_000 + b'"}'),
}


@pytest.mark.parametrize("says", SILENT.values(), ids=SILENT)
def test_what_the_extension_does_not_tell_the_store_does(
    aws: Aws, stand_in: ExtensionStandIn, says: tuple[int, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it answers instead; nothing of it is logged."""
    ref = aws.put_secret("counterpart/test/told", "from the store")
    stand_in.says = says
    caplog.set_level(logging.DEBUG)

    assert "from the store" == through(stand_in).resolve(ref).get_secret_value()
    assert "xxxx" not in caplog.text


def test_a_wrong_token_is_refused_and_the_store_asked(
    aws: Aws, stand_in: ExtensionStandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a word to whoever reads the logs, in which the token is not."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another-token")
    ref = aws.put_secret("counterpart/test/refused", "from the store")
    secret = through(stand_in).resolve(ref).get_secret_value()
    (warned,) = [record for record in caplog.records if record.name == "kernel.secrets.extension"]

    assert ("from the store", "HTTP 401", []) == (secret, warned.__dict__["reason"], stand_in.asked)
    assert "another-token" not in caplog.text


def test_without_a_token_the_extension_is_not_asked(
    aws: Aws, stand_in: ExtensionStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under SnapStart, where it would refuse."""
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    stand_in.hangs = True
    ref = aws.put_secret("counterpart/test/snapshot", "from the store")

    assert "from the store" == through(stand_in).resolve(ref).get_secret_value()


def test_an_extension_that_hangs_is_left(aws: Aws, stand_in: ExtensionStandIn) -> None:
    """After its time; what the store told then is remembered, so it is waited for once."""
    stand_in.hangs = True
    secrets, ref = through(stand_in), aws.put_secret("counterpart/test/hangs", "from the store")
    told = [secrets.resolve(ref).get_secret_value()]
    stand_in.hangs, stand_in.secrets["counterpart/test/hangs"] = False, {"SecretString": "from the extension"}
    told.append(secrets.resolve(ref).get_secret_value())

    assert ["from the store", "from the store"] == told


def test_an_extension_that_is_not_there_is_left(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its port refuses."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    secrets = AwsSecrets("production", extension=Extension(ports.requested_port(0)))

    assert "here" == secrets.resolve(aws.put_secret("counterpart/test/gone", "here")).get_secret_value()


@pytest.mark.usefixtures("aws")
def test_an_absent_secret_is_the_stores_to_tell(stand_in: ExtensionStandIn) -> None:
    """The extension's 400 says as much of a missing permission as of a missing name."""
    with pytest.raises(SecretAbsent) as absent:
        through(stand_in).resolve("secretsmanager:absent")

    assert ("absent", ["absent"]) == (absent.value.details["name"], stand_in.asked)


@pytest.mark.usefixtures("no_store")
def test_with_both_away_a_secret_is_unavailable(stand_in: ExtensionStandIn) -> None:
    """Transient: the next attempt may succeed."""
    stand_in.says = (500, b"")
    with pytest.raises(SecretsUnavailable):
        through(stand_in).resolve("secretsmanager:any")


@pytest.mark.parametrize("ref", ["plain:canary", "vault:x", "nonsense"])
def test_the_extension_is_asked_for_references_only(stand_in: ExtensionStandIn, ref: str) -> None:
    """A plain secret never leaves the process."""
    with pytest.raises(SettingsInvalid):
        through(stand_in).resolve(ref)

    assert [] == stand_in.asked
