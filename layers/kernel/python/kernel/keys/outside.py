"""Owns what is known of an outside signer before it is asked: that it is one, and that it may not have signed yet.

`kernel.keys.external` has the signers themselves.
"""

from kernel.errors import Transient
from kernel.keys.addressed import Addressed


class SignatureAwaited(Transient):
    """An outside signer has not signed yet."""

    cause = "The payload waits in /v1/ops/signatures for the person who holds the key."
    remedy = "Sign the open request, or withdraw it to have it asked for again at present fees."
    example = '{"request_id": "0190f0a0-0000-7000-8000-000000000001"}'
    retry_after_s = 15.0


class Outside(Addressed):
    """A signer whose key is elsewhere."""

    __slots__ = ()


def is_outside(signer: object) -> bool:
    """Whether a person has to be waited for."""
    return isinstance(signer, Outside)
