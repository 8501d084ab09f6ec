"""Who made a signature: the one thing about signatures that needs the curve."""

from functions.oracle.core.signature import Signature
from kernel.evm.transactions import Signature as EvmSignature
from kernel.evm.transactions import SignatureMismatch, recovered_address


def recover(digest: bytes, signature: Signature) -> str | None:
    """Whose signature this is, or None when it is nobody's."""
    if signature.v not in {27, 28}:
        return None
    try:
        return recovered_address(digest, EvmSignature(*signature))
    except SignatureMismatch:
        return None
