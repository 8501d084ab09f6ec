"""moto, with one thing put right that signers depend on: `python -m infra.local.aws_server` takes moto's own arguments.

KMS signs a digest as it is when MessageType is DIGEST; moto hashes it once more, so that what it signed recovers to
nobody.
"""

import sys
from contextvars import ContextVar
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey
from moto.server import main

_is_digest: ContextVar[bool] = ContextVar("is_digest", default=False)


def put_right() -> None:
    """Sign digests as they are."""
    respond, sign_hashed = KmsResponse.sign, ECDSAPrivateKey.sign

    def respond_by_type(response: Any) -> str:
        token = _is_digest.set(response._get_param("MessageType") == "DIGEST")
        try:
            return respond(response)
        finally:
            _is_digest.reset(token)

    def sign(key: Any, message: bytes, signing_algorithm: str) -> bytes:
        if not _is_digest.get() or signing_algorithm != "ECDSA_SHA_256":
            return sign_hashed(key, message, signing_algorithm)
        signature: bytes = key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))
        return signature

    KmsResponse.sign, ECDSAPrivateKey.sign = respond_by_type, sign  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    put_right()
    main(sys.argv[1:])
