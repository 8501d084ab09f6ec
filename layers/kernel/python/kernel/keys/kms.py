"""Owns the conversation with the key management service: data keys, bare and wrapped, bound to a context."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kernel.errors import Broken, KeyUnavailable, Transient

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

_UNUSABLE = frozenset(
    {
        "NotFoundException",
        "DisabledException",
        "KMSInvalidStateException",
        "InvalidKeyUsageException",
        "AccessDeniedException",
        "InvalidArnException",
    }
)
_TAMPERED = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class WrongContext(Broken):
    """A wrapped key was opened under another key or context, or was altered."""

    code = "wrong_key_context"
    cause = "The sealed bytes belong to another purpose, chain or address, or somebody changed them."
    remedy = "Find out who wrote the row; restore it from a backup."


class KeyServiceUnavailable(Transient):
    """The key management service does not answer."""

    cause = "KMS refused the request or timed out."


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key: `plaintext` seals one blob and is then forgotten, `wrapped` is stored beside it."""

    plaintext: bytes = field(repr=False)
    wrapped: bytes


class Kms(Protocol):
    """What the envelope needs of a key service."""

    def check(self, key_id: str) -> None:
        """Raises KeyUnavailable unless the key can be used."""
        ...

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh AES-256 key bound to `context`. Raises KeyUnavailable, KeyServiceUnavailable."""
        ...

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext, KeyUnavailable, KeyServiceUnavailable."""
        ...


class AwsKms:
    """AWS KMS; the client is made on first use."""

    def __init__(self, client: "KMSClient | None" = None) -> None:
        self._client = client

    def check(self, key_id: str) -> None:
        """Raises KeyUnavailable unless the key exists and is enabled."""
        described = self._call("describe_key", KeyId=key_id)
        if described["KeyMetadata"]["KeyState"] != "Enabled":
            raise KeyUnavailable(key_id=key_id, state=described["KeyMetadata"]["KeyState"])

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh AES-256 key bound to `context`. Raises KeyUnavailable, KeyServiceUnavailable."""
        answer = self._call("generate_data_key", KeyId=key_id, KeySpec="AES_256", EncryptionContext=dict(context))
        return DataKey(plaintext=answer["Plaintext"], wrapped=answer["CiphertextBlob"])

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext, KeyUnavailable, KeyServiceUnavailable."""
        answer = self._call("decrypt", KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=dict(context))
        plaintext: bytes = answer["Plaintext"]
        return plaintext

    def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._connected(), operation)(**arguments)
        except ClientError as refused:
            raise _translated(refused.response.get("Error", {}).get("Code", ""), arguments["KeyId"]) from refused
        except BotoCoreError as unreachable:
            raise KeyServiceUnavailable from unreachable

    def _connected(self) -> "KMSClient":
        if self._client is None:
            import boto3

            self._client = boto3.client("kms")
        return self._client


def _translated(code: str, key_id: str) -> Exception:
    if code in _TAMPERED:
        return WrongContext()
    return KeyUnavailable(key_id=key_id, reason=code) if code in _UNUSABLE else KeyServiceUnavailable(reason=code)
