"""Outside a developer's machine, what leaves a container is encrypted."""

import pytest
from pydantic import SecretStr

from kernel.errors import SettingsInvalid
from kernel.settings import KernelSettings
from kernel.wiring import Kernel

pytestmark = pytest.mark.unit

DEPLOYED = {
    "stage": "prod",
    "database_url": "ssm:/database",
    "redis_rest_url": "https://redis.example",
    "redis_rest_token": "ssm:/token",
    "queue_url_prefix": "https://sqs.example/",
    "kms_key_id": "key",
    "jwt_secret": "ssm:/jwt",
}


class Known:
    """A kernel.secrets.Secrets of one secret."""

    def __init__(self, text: str) -> None:
        self.text = text

    def resolve(self, _ref: str) -> SecretStr:
        return SecretStr(self.text)


def settings(**changes: str) -> KernelSettings:
    return KernelSettings.model_validate({**DEPLOYED, **changes})


def kernel(url: str) -> Kernel:
    return Kernel(settings(), secrets=Known(url))


def test_redis_is_asked_over_tls() -> None:
    """Its token would be readable on the way otherwise."""
    with pytest.raises(ValueError, match="TLS"):
        settings(redis_rest_url="http://redis.example")

    assert settings(stage="local", redis_rest_url="http://127.0.0.1:1").stage == "local"


@pytest.mark.parametrize("url", ["postgresql://a/b", "postgresql://a/b?sslmode=prefer", "host=a sslmode=disable"])
def test_a_database_address_without_tls_is_refused_before_anybody_connects(url: str) -> None:
    """libpq's own default is to go on without TLS where the server has none."""
    with pytest.raises(SettingsInvalid, match="sslmode"), kernel(url).postgres.transaction():
        pass


@pytest.mark.parametrize("url", ["postgresql://a/b?sslmode=require", "host=a sslmode=verify-full"])
def test_a_database_address_with_tls_is_taken(url: str) -> None:
    """As an address or as key=value words."""
    assert url == kernel(url)._database_url().get_secret_value()
