"""moto, with two things of KMS put right: `python -m infra.local.aws_server` takes moto's own arguments.

KMS signs a digest as it is when MessageType is DIGEST; moto hashes it once more, so that what it signed recovers to
nobody. KMS refuses what a disabled key is asked for; moto only says that the key is disabled.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.core.exceptions import JsonRESTError
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey
from moto.server import main

_is_digest: ContextVar[bool] = ContextVar("is_digest", default=False)


def put_right() -> None:
    """Sign digests as they are, and refuse disabled keys."""
    sign_hashed = ECDSAPrivateKey.sign

    def sign(key: Any, message: bytes, signing_algorithm: str) -> bytes:
        if not _is_digest.get() or signing_algorithm != "ECDSA_SHA_256":
            return sign_hashed(key, message, signing_algorithm)
        signature: bytes = key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))
        return signature

    ECDSAPrivateKey.sign = sign  # type: ignore[method-assign, assignment]  # moto signs a digest as if it were the message
    for operation in ("sign", "generate_data_key", "decrypt"):
        setattr(KmsResponse, operation, _checked(getattr(KmsResponse, operation)))


def _checked(respond: Callable[[Any], str]) -> Callable[[Any], str]:
    def answer(response: Any) -> str:
        key_id = response._get_param("KeyId")
        response._validate_key_id(key_id)
        if not response.kms_backend.describe_key(key_id).enabled:
            raise JsonRESTError("DisabledException", f"{key_id} is disabled.")
        token = _is_digest.set(response._get_param("MessageType") == "DIGEST")
        try:
            return respond(response)
        finally:
            _is_digest.reset(token)

    return answer


if __name__ == "__main__":
    put_right()
    main(sys.argv[1:])
