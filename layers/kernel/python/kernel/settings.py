"""Owns configuration: frozen settings from a prefixed environment, with secrets only by reference.

A slice declares its own beside the kernel's, in its wiring.py and nowhere else:

    class OracleSettings(FrozenSettings):
        model_config = SettingsConfigDict(env_prefix="COUNTERPART_ORACLE_")
        commit_offset_s: float = 75.0

    settings = OracleSettings.from_environment()
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kernel.errors import SettingsInvalid

#: Stages in which a secret may stand in the environment itself.
PLAIN_STAGES = frozenset({"local", "test"})
PLAIN_SCHEME = "plain:"
_REFERENCE = re.compile(r"(secretsmanager|ssm|plain):(?s:.+)")


def _check_reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError("must be secretsmanager:<name or arn>, ssm:<name>, or (only local) plain:<value>")
    return text


SecretRef = Annotated[str, AfterValidator(_check_reference)]


class FrozenSettings(BaseSettings):
    """Settings that are read once and never change; an error names the variables and never their values."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The fields for a repr; a plain reference is itself the secret, so it is left out."""
        for name, value in super().__repr_args__():
            is_secret = isinstance(value, str) and value.startswith(PLAIN_SCHEME)
            yield name, f"{PLAIN_SCHEME}***" if is_secret else value

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises SettingsInvalid with the names of the variables to set."""
        try:
            return cls()
        except ValidationError as invalid:
            raise SettingsInvalid(_remedy(cls, invalid)) from None


class KernelSettings(FrozenSettings):
    """What every function of the bundle is told."""

    model_config = SettingsConfigDict(env_prefix="COUNTERPART_")

    #: "local", "test", or the name of a deployed stage.
    stage: str = Field(pattern="^[a-z][a-z0-9-]{0,30}$")
    #: Postgres, through its transaction pooler, with sslmode=require or stricter.
    database_url: SecretRef
    #: Upstash's REST address, https.
    redis_rest_url: str
    #: Its token, which may write.
    redis_rest_token: SecretRef
    #: What comes before "<service>-<queue>" in a queue's URL.
    queue_url_prefix: str
    #: The KMS key that wraps the data keys of envelopes; "" where nothing is sealed.
    kms_key_id: str = ""
    #: What sessions are signed with, 32 characters or more.
    jwt_secret: SecretRef
    #: The secret before the present one: its tokens stay good until they run out.
    jwt_secret_previous: SecretRef | None = None
    #: Where people sign in with a wallet, as "app.example.org"; nobody can while it is empty.
    sign_in_domain: str = ""
    #: The chains whose wallets are taken, comma separated: "evm:1,solana:mainnet".
    sign_in_chains: str = ""
    #: Where messages for WebSocket clients are posted; "" where nobody posts.
    realtime_url: str = ""
    #: The bucket of pinned content; "" where nobody pins.
    pins_bucket: str = ""
    #: Where large inputs and outputs of offloaded jobs lie; "" where no job has any.
    offload_bucket: str = ""
    #: Gateways that pinned content is read from besides, in this order, comma separated: "https://ipfs.example.org".
    pins_gateways: str = ""
    #: How many pinning services are to hold each pin; 0: the bucket alone.
    pins_wanted: int = Field(default=0, ge=0, le=8)
    #: "extension": AWS's Parameters-and-Secrets extension is asked first; "store": nobody but the stores themselves.
    secrets_from: Literal["store", "extension"] = "store"
    #: Where the extension listens on 127.0.0.1, as PARAMETERS_SECRETS_EXTENSION_HTTP_PORT tells it.
    secrets_extension_port: int = Field(default=2773, gt=0, lt=65536)
    #: What is written to the log at least.
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")
    #: Browser origins that may call the API, comma separated in the environment; none by default.
    cors_origins: str = ""

    @model_validator(mode="after")
    def _refuse_plain_secrets(self) -> Self:
        if self.stage not in PLAIN_STAGES and any(
            isinstance(value, str) and value.startswith(PLAIN_SCHEME) for _, value in self
        ):
            raise ValueError("a plain: secret is only allowed in the stages local and test")
        return self

    @model_validator(mode="after")
    def _refuse_open_redis(self) -> Self:
        if self.stage not in PLAIN_STAGES and not self.redis_rest_url.startswith("https://"):
            raise ValueError("redis_rest_url may be without TLS only in the stages local and test")
        return self

    @property
    def allowed_origins(self) -> list[str]:
        """The browser origins as a list."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def pin_gateways(self) -> list[str]:
        """The gateways as a list."""
        return [url.strip() for url in self.pins_gateways.split(",") if url.strip()]


def initialization_type() -> str:
    """How Lambda started this process: "on-demand", "provisioned-concurrency" or "snap-start"."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")


def session_token() -> str | None:
    """What names this function to its extensions; a function with SnapStart has none."""
    return os.environ.get("AWS_SESSION_TOKEN") or None


def is_traced() -> bool:
    """Whether this process runs where X-Ray listens: Lambda says so by naming the daemon."""
    return "AWS_XRAY_DAEMON_ADDRESS" in os.environ


def environment_names(settings: type[BaseSettings]) -> Mapping[str, str]:
    """Field name -> the environment variable that fills it."""
    prefix = settings.model_config.get("env_prefix") or ""
    return {name: f"{prefix}{name}".upper() for name in settings.model_fields}


def _remedy(settings: type[BaseSettings], invalid: ValidationError) -> str:
    names = environment_names(settings)
    problems: list[str] = []
    for error in invalid.errors(include_input=False, include_url=False, include_context=False):
        location: Any = error["loc"][0] if error["loc"] else ""
        problems.append(f"{names.get(str(location), str(location) or settings.__name__)}: {error['msg']}")
    return f"The settings are incomplete or wrong ({'; '.join(problems)})."
