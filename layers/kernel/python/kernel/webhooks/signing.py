"""Owns the form of an outgoing webhook, which is that of Standard Webhooks. Pure.

    webhook-id: msg_0190f0a000007000800000000000001a    the same however often the message comes
    webhook-timestamp: 1795245900                       seconds since the epoch, of this attempt
    webhook-signature: v1,<base64> v1,<base64>          one for each secret in use, the present one first

A signature is the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`. A secret is shown as "whsec_" and its base64.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from uuid import UUID

SECRET_BYTES: Final = 32
PREFIX: Final = "whsec_"


def shown(secret: bytes) -> str:
    """The secret as its receiver configures it."""
    return PREFIX + b64encode(secret).decode()


def message_name(message_id: UUID) -> str:
    """The id of a message, as receivers know it again by."""
    return f"msg_{message_id.hex}"


def signature(secret: bytes, name: str, timestamp_s: int, body: bytes) -> str:
    """One signature, with its version."""
    signed = hmac.digest(secret, f"{name}.{timestamp_s}.".encode() + body, hashlib.sha256)
    return f"v1,{b64encode(signed).decode()}"


def headers(secrets: Sequence[bytes], name: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt."""
    return {
        "content-type": "application/json",
        "user-agent": "counterpart-webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(secret, name, timestamp_s, body) for secret in secrets),
    }
