"""Settings: frozen, from a prefixed environment, refused with the names of what is missing and no values."""

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from kernel.errors import SettingsInvalid
from kernel.settings import FrozenSettings, KernelSettings, SecretRef

pytestmark = pytest.mark.unit

CANARY = "canary-7f3a9c"
ENVIRONMENT = {
    "COUNTERPART_STAGE": "production",
    "COUNTERPART_DATABASE_URL": "secretsmanager:counterpart/production/database-url",
    "COUNTERPART_REDIS_REST_URL": "https://redis.example",
    "COUNTERPART_REDIS_REST_TOKEN": "ssm:/counterpart/production/redis",
    "COUNTERPART_QUEUE_URL_PREFIX": "https://sqs.example/123456789012/counterpart-production-",
    "COUNTERPART_KMS_KEY_ID": "alias/counterpart",
    "COUNTERPART_JWT_SECRET": "secretsmanager:counterpart/production/jwt",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_a_complete_environment_is_read() -> None:
    """Each field from its variable, the rest by default."""
    settings = KernelSettings.from_environment()

    assert (settings.stage, settings.redis_rest_url) == ("production", "https://redis.example")
    assert (settings.log_level, settings.allowed_origins, settings.jwt_secret_previous) == ("INFO", [], None)


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comma separated in the environment."""
    monkeypatch.setenv("COUNTERPART_CORS_ORIGINS", "https://a.example, https://b.example,")

    assert KernelSettings.from_environment().allowed_origins == ["https://a.example", "https://b.example"]


def test_settings_never_change() -> None:
    """Frozen once read."""
    with pytest.raises(ValidationError):
        KernelSettings.from_environment().stage = "other"  # type: ignore[misc]  # what this test is about


def test_missing_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, with what to do."""
    monkeypatch.delenv("COUNTERPART_DATABASE_URL")
    monkeypatch.delenv("COUNTERPART_QUEUE_URL_PREFIX")
    with pytest.raises(SettingsInvalid) as refused:
        KernelSettings.from_environment()

    assert "COUNTERPART_DATABASE_URL: Field required" in str(refused.value)
    assert "COUNTERPART_QUEUE_URL_PREFIX: Field required" in str(refused.value)


@pytest.mark.parametrize("reference", [CANARY, f"vault:{CANARY}", "plain:", "secretsmanager:", ""])
def test_a_secret_that_is_no_reference_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    """It may be the secret itself."""
    monkeypatch.setenv("COUNTERPART_JWT_SECRET", reference)
    with pytest.raises(SettingsInvalid) as refused:
        KernelSettings.from_environment()

    assert "COUNTERPART_JWT_SECRET" in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "variable", ["COUNTERPART_DATABASE_URL", "COUNTERPART_REDIS_REST_TOKEN", "COUNTERPART_JWT_SECRET"]
)
def test_a_deployed_stage_takes_no_plain_secrets(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """plain: is for the stages local and test."""
    monkeypatch.setenv(variable, f"plain:{CANARY}")
    with pytest.raises(SettingsInvalid) as refused:
        KernelSettings.from_environment()
    monkeypatch.setenv("COUNTERPART_STAGE", "local")
    allowed = KernelSettings.from_environment()

    assert CANARY not in str(refused.value)
    assert CANARY not in repr(allowed)
    assert CANARY not in str(allowed)


def test_the_previous_jwt_secret_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optional secrets are secrets."""
    monkeypatch.setenv("COUNTERPART_STAGE", "test")
    monkeypatch.setenv("COUNTERPART_JWT_SECRET_PREVIOUS", f"plain:{CANARY}")

    assert CANARY not in repr(KernelSettings.from_environment())


@pytest.mark.parametrize(("variable", "value"), [("COUNTERPART_STAGE", "Prod!"), ("COUNTERPART_LOG_LEVEL", "loud")])
def test_unfit_values_are_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """Named by their variable."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid, match=variable):
        KernelSettings.from_environment()


def test_a_slice_has_settings_of_its_own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the kernel's."""

    class SliceSettings(FrozenSettings):
        model_config = SettingsConfigDict(env_prefix="COUNTERPART_SLICE_")
        offset_s: float = 75
        key: SecretRef

    monkeypatch.setenv("COUNTERPART_SLICE_OFFSET_S", "20")
    monkeypatch.setenv("COUNTERPART_SLICE_KEY", "ssm:/key")

    assert SliceSettings.from_environment() == SliceSettings(offset_s=20, key="ssm:/key")
