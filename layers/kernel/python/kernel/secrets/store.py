"""Owns how a reference becomes its secret, and for how long a secret is believed.

What Secrets Manager or SSM told is remembered for `CACHE_S`. What the extension told is not: it has a memory of its own
(SECRETS_MANAGER_TTL and SSM_PARAMETER_STORE_TTL, by default the same five minutes), and one after the other they would
keep a rotated secret for ten. Whoever holds something made of a secret, as a connection, holds the secret of then.
"""

from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from kernel import aws
from kernel.clock import Clock, SystemClock
from kernel.errors import SecretAbsent, SecretsUnavailable, SettingsInvalid
from kernel.settings import PLAIN_STAGES

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_ssm import SSMClient

    from kernel.secrets.extension import Extension

#: Long enough to spare the store, short enough that a rotated secret is picked up.
CACHE_S = 300.0
_ABSENT = frozenset(
    {"ResourceNotFoundException", "ParameterNotFound", "AccessDeniedException", "InvalidRequestException"}
)


class Secrets(Protocol):
    """Turns a reference (`secretsmanager:`, `ssm:`, `plain:`) into the secret."""

    def resolve(self, ref: str) -> SecretStr:
        """The secret. Raises SecretAbsent, SecretsUnavailable."""
        ...


class AwsSecrets:
    """Secrets Manager and SSM, behind the extension where there is one; `plain:` only in the stages local and test."""

    def __init__(self, stage: str, clock: Clock | None = None, *, extension: "Extension | None" = None) -> None:
        self._plain_allowed = stage in PLAIN_STAGES
        self._clock, self._extension = clock or SystemClock(), extension
        self._known: dict[str, tuple[float, SecretStr]] = {}
        self._secrets_manager: SecretsManagerClient | None = None
        self._ssm: SSMClient | None = None

    def resolve(self, ref: str) -> SecretStr:
        """The secret. Raises SecretAbsent, SecretsUnavailable; SettingsInvalid for a plain secret in production."""
        read_at_s, secret = self._known.get(ref, (float("-inf"), None))
        if secret is not None and self._clock.time_s() - read_at_s < CACHE_S:
            return secret

        told = self._from_extension(ref)
        if told is not None:
            return SecretStr(told)
        secret = SecretStr(self._read(ref))
        self._known[ref] = (self._clock.time_s(), secret)
        return secret

    def close(self) -> None:
        """Give the connections back; the next secret opens others."""
        for client in (self._secrets_manager, self._ssm):
            if client is not None:
                client.close()
        self._secrets_manager = self._ssm = None

    def _from_extension(self, ref: str) -> str | None:
        scheme, _, name = ref.partition(":")
        if self._extension is None:
            return None
        readers = {"secretsmanager": self._extension.from_secrets_manager, "ssm": self._extension.from_ssm}
        return readers[scheme](name) if scheme in readers else None

    def _read(self, ref: str) -> str:
        scheme, _, name = ref.partition(":")
        if scheme == "plain" and self._plain_allowed:
            return name
        readers = {"secretsmanager": self._from_secrets_manager, "ssm": self._from_ssm}
        if scheme not in readers:
            raise SettingsInvalid("A secret's reference starts with secretsmanager: or ssm: (plain: only locally).")
        return _translated(name, readers[scheme])

    def _from_secrets_manager(self, name: str) -> str:
        if self._secrets_manager is None:
            self._secrets_manager = aws.client("secretsmanager")
        found = self._secrets_manager.get_secret_value(SecretId=name)
        if "SecretString" not in found:
            raise SecretAbsent("The secret is binary; ours are texts.", name=name)
        return found["SecretString"]

    def _from_ssm(self, name: str) -> str:
        if self._ssm is None:
            self._ssm = aws.client("ssm")
        return self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def _translated(name: str, read: Any) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with aws.unlogged():
            secret: str = read(name)
    except ClientError as refused:
        if refused.response.get("Error", {}).get("Code") in _ABSENT:
            raise SecretAbsent(name=name) from refused
        raise SecretsUnavailable(name=name) from refused
    except BotoCoreError as unreachable:
        raise SecretsUnavailable(name=name) from unreachable
    return secret
