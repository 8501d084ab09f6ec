"""Owns whether a delivery comes from whom it says: each provider's check over the body exactly as it came (pure).

Alchemy signs the body: HMAC-SHA256 in hexadecimal. QuickNode signs a nonce, the time and the body, so that staleness
can be told; so do our own functions on Modal, in the form of Standard Webhooks. Helius signs nothing and sends a shared
secret. Alchemy delivers late after an outage of ours, and its time
is that of the event: refusing by age would lose what it is paid to repeat.

Every comparison takes the same time however much of the given text is right, and every secret that may be in use is
compared with, so that time does not tell which of them it was.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: How old, or how far ahead of our clock, a signed time may be.
WINDOW_S: Final = 300
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_TIME: Final = re.compile(r"[1-9][0-9]{9}", re.ASCII)


class Verdict(StrEnum):
    """What a check says."""

    GENUINE = "genuine"
    FORGED = "forged"
    STALE = "stale"  # genuine, but signed too long ago, or by a clock that is not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery as it came, and our time then; headers' names in small letters."""

    body: bytes
    headers: Mapping[str, str]
    now_s: float


Check = Callable[[Sent, Sequence[bytes]], Verdict]


def of_alchemy(sent: Sent, keys: Sequence[bytes]) -> Verdict:
    """The HMAC of the body in `x-alchemy-signature`."""
    return _ruled(_is_signed(sent.body, sent.headers.get("x-alchemy-signature", ""), keys))


def of_quicknode(sent: Sent, keys: Sequence[bytes]) -> Verdict:
    """The HMAC of nonce, Unix seconds and body in `x-qn-signature`.

    Nothing parts nonce from time, so digits could be moved from one to the other. A time has exactly ten digits, none
    of them the body's (which is JSON and begins with a bracket): the seam is where it was signed, or the time is none.
    """
    nonce, time = sent.headers.get("x-qn-nonce", ""), sent.headers.get("x-qn-timestamp", "")
    if not nonce or not _TIME.fullmatch(time) or sent.body[:1].isdigit():
        return Verdict.FORGED
    if not _is_signed(_octets(nonce + time) + sent.body, sent.headers.get("x-qn-signature", ""), keys):
        return Verdict.FORGED
    return _timely(sent, time)


def of_helius(sent: Sent, keys: Sequence[bytes]) -> Verdict:
    """The shared secret itself in `authorization`; compared as digests, so that its length is not told either."""
    given = hashlib.sha256(_octets(sent.headers.get("authorization", ""))).digest()
    return _ruled(_is_any(given, [hashlib.sha256(key).digest() for key in keys]))


def of_modal(sent: Sent, keys: Sequence[bytes]) -> Verdict:
    """The HMAC, in base64 after `v1,`, of id, Unix seconds and body with a dot between, in `webhook-signature`.

    Neither id nor time has a dot, so each can be only where it was signed.
    """
    name, time = sent.headers.get("webhook-id", ""), sent.headers.get("webhook-timestamp", "")
    if not _NAME.fullmatch(name) or not _TIME.fullmatch(time):
        return Verdict.FORGED
    message = f"{name}.{time}.".encode() + sent.body
    expected = [b"v1," + b64encode(hmac.digest(key, message, hashlib.sha256)) for key in keys]
    if not _is_any(_octets(sent.headers.get("webhook-signature", "")), expected):
        return Verdict.FORGED
    return _timely(sent, time)


#: What is checked how.
CHECKS: Final[Mapping[str, Check]] = {
    "alchemy": of_alchemy,
    "quicknode": of_quicknode,
    "helius": of_helius,
    "modal": of_modal,
}


def _timely(sent: Sent, time: str) -> Verdict:
    """What the age of a signed time says."""
    return Verdict.STALE if abs(sent.now_s - int(time)) > WINDOW_S else Verdict.GENUINE


def _is_signed(message: bytes, given: str, keys: Sequence[bytes]) -> bool:
    expected = [hmac.new(key, message, hashlib.sha256).hexdigest().encode() for key in keys]
    return _is_any(_octets(given), expected)


def _is_any(given: bytes, expected: Sequence[bytes]) -> bool:
    found = False
    for one in expected:
        found |= hmac.compare_digest(given, one)
    return found


def _ruled(is_genuine: bool) -> Verdict:
    return Verdict.GENUINE if is_genuine else Verdict.FORGED


def _octets(header: str) -> bytes:
    """A header's octets as they came."""
    return header.encode("latin-1", errors="replace")
