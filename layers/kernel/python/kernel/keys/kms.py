"""Owns the conversation with the key management service: data keys bound to a context, and signatures of its own keys.

An answer here may be a data key: what is said while KMS is asked never reaches a log, whatever its level.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from kernel import aws
from kernel.errors import Broken, KeyUnavailable, Transient

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

_UNUSABLE = frozenset(
    {
        "NotFoundException",
        "DisabledException",
        "KMSInvalidStateException",
        "InvalidKeyUsageException",
        "UnsupportedOperationException",
        "AccessDeniedException",
        "InvalidArnException",
        "ValidationException",
    }
)
_TAMPERED = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class WrongContext(Broken):
    """A wrapped key was opened under another key or context, or was altered."""

    code = "wrong_key_context"
    cause = "The sealed bytes belong to another purpose, chain or address, or somebody changed them."
    remedy = "Find out who wrote the row; restore it from a backup."


class SigningKeyUnavailable(Broken):
    """A signing key of the key management service cannot be used."""

    cause = "The key is absent, disabled, not permitted, or no SIGN_VERIFY key of the needed curve."
    remedy = "Create or enable the key with the curve of its chain, and allow kms:Sign and kms:GetPublicKey on it."
    example = '{"key_id": "alias/counterpart-treasury", "reason": "DisabledException"}'


class KeyServiceUnavailable(Transient):
    """The key management service does not answer."""

    cause = "KMS refused the request or timed out."


class SigningAlgorithm(StrEnum):
    """How a key of the service signs; the names are KMS's own."""

    #: secp256k1 over 32 bytes that are a digest already.
    SECP256K1 = "ECDSA_SHA_256"
    #: Ed25519 over the message itself, at most 4096 bytes.
    ED25519 = "ED25519_SHA_512"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key: `plaintext` seals one blob and is then forgotten, `wrapped` is stored beside it.

    `key_id` is the own id of the key that wrapped it, also where an alias was asked for: aliases move.
    """

    plaintext: bytes = field(repr=False)
    wrapped: bytes
    key_id: str


class Kms(Protocol):
    """What the envelope needs of a key service."""

    def check(self, key_id: str) -> str:
        """The key's own id, also for an alias. Raises KeyUnavailable unless the key can be used."""
        ...

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh AES-256 key bound to `context`. Raises KeyUnavailable, KeyServiceUnavailable."""
        ...

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext, KeyUnavailable, KeyServiceUnavailable."""
        ...


class SigningKms(Protocol):
    """What a signer needs of a key service that signs by itself and never hands out its key."""

    def public_key(self, key_id: str) -> bytes:
        """The public key as SubjectPublicKeyInfo in DER. Raises SigningKeyUnavailable, KeyServiceUnavailable."""
        ...

    def sign(self, key_id: str, message: bytes, algorithm: SigningAlgorithm) -> bytes:
        """The signature: ECDSA as DER, Ed25519 as 64 bytes. Raises SigningKeyUnavailable, KeyServiceUnavailable."""
        ...


class AwsKms:
    """AWS KMS; the client is made on first use."""

    def __init__(self, client: "KMSClient | None" = None) -> None:
        self._client = client

    def close(self) -> None:
        """Give the connections back; the next call opens others."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def check(self, key_id: str) -> str:
        """The key's own id (its ARN). Raises KeyUnavailable unless the key exists and is enabled."""
        described = self._call(KeyUnavailable, "describe_key", KeyId=key_id)["KeyMetadata"]
        if described["KeyState"] != "Enabled":
            raise KeyUnavailable(key_id=key_id, state=described["KeyState"])
        return str(described["Arn"])

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        """A fresh AES-256 key bound to `context`. Raises KeyUnavailable, KeyServiceUnavailable."""
        asked = {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": dict(context)}
        answer = self._call(KeyUnavailable, "generate_data_key", **asked)
        return DataKey(plaintext=answer["Plaintext"], wrapped=answer["CiphertextBlob"], key_id=answer["KeyId"])

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key. Raises WrongContext, KeyUnavailable, KeyServiceUnavailable."""
        asked = {"KeyId": key_id, "CiphertextBlob": wrapped, "EncryptionContext": dict(context)}
        plaintext: bytes = self._call(KeyUnavailable, "decrypt", **asked)["Plaintext"]
        return plaintext

    def public_key(self, key_id: str) -> bytes:
        """The public key as SubjectPublicKeyInfo in DER. Raises SigningKeyUnavailable, KeyServiceUnavailable."""
        public_key: bytes = self._call(SigningKeyUnavailable, "get_public_key", KeyId=key_id)["PublicKey"]
        return public_key

    def sign(self, key_id: str, message: bytes, algorithm: SigningAlgorithm) -> bytes:
        """The signature: ECDSA as DER, Ed25519 as 64 bytes. Raises SigningKeyUnavailable, KeyServiceUnavailable."""
        form = "DIGEST" if algorithm is SigningAlgorithm.SECP256K1 else "RAW"
        asked = {"KeyId": key_id, "Message": message, "MessageType": form, "SigningAlgorithm": algorithm.value}
        signature: bytes = self._call(SigningKeyUnavailable, "sign", **asked)["Signature"]
        return signature

    def _call(self, unusable: type[Broken], operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with aws.unlogged():
                return getattr(self._connected(), operation)(**arguments)
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code", "")
            raise _translated(code, arguments["KeyId"], unusable) from refused
        except BotoCoreError as unreachable:
            raise KeyServiceUnavailable from unreachable

    def _connected(self) -> "KMSClient":
        if self._client is None:
            self._client = aws.client("kms")
        return self._client


def _translated(code: str, key_id: str, unusable: type[Broken]) -> Exception:
    if code in _TAMPERED:
        return WrongContext()
    return unusable(key_id=key_id, reason=code) if code in _UNUSABLE else KeyServiceUnavailable(reason=code)
