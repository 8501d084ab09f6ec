"""Owns what the two wallet sign-in texts share: fields in a fixed order, one a line, and when such a text is refused.

A text is read strictly: `parse` accepts exactly what `render` writes, byte for byte, so that whatever a wallet showed
to its owner is what we read, and nothing can hide in a second reading. What is checked is which domain asked, for
which chain, with which nonce, and whether the text is in its time; the signature over the text is the caller's to
check before anything here is believed.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from kernel.errors import Invalid, Unauthorized

LONGEST_TEXT = 4_096
MOST_RESOURCES = 20
#: A wallet's clock may be ahead of ours by this.
CLOCK_SKEW = timedelta(minutes=1)

_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9]{8,64}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%-]{1,128}", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_FIELDS = (
    ("URI", "uri"),
    ("Version", "version"),
    ("Chain ID", "chain_id"),
    ("Nonce", "nonce"),
    ("Issued At", "issued_at"),
    ("Expiration Time", "expiration_time"),
    ("Not Before", "not_before"),
    ("Request ID", "request_id"),
)
_OPTIONAL = frozenset({"expiration_time", "not_before", "request_id"})


class SignInUnreadable(Invalid):
    """The text is no sign-in message of the standard."""

    status = 422
    cause = "A line is missing, out of order, altered, or holds characters that the standard forbids."
    remedy = "Let the wallet sign the text exactly as it was given."


class SignInRefused(Unauthorized):
    """The sign-in message is not for us, not for now, or not for this use."""

    cause = "The domain, URI, chain, nonce, address or one of the times is not what was asked for."
    remedy = "Ask for a new message and sign it."


class WrongDomain(SignInRefused):
    """The message was made for another site."""

    cause = "The domain or URI differs from ours: somebody may be passing on a signature made elsewhere."


class WrongChainId(SignInRefused):
    """The message was made for another chain."""

    code = "wrong_chain_id"


class WrongNonce(SignInRefused):
    """The message does not hold the nonce we gave."""


class WrongAddress(SignInRefused):
    """The message was made for another address."""


class SignInExpired(SignInRefused):
    """The message is no longer good."""


class SignInNotYetValid(SignInRefused):
    """The message is not good yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sign-in message; times are kept as the text they were signed as."""

    domain: str
    address: str
    uri: str
    chain_id: str
    nonce: str
    issued_at: str
    version: str = "1"
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a message must be for: one of these chains, our domain, the nonce we gave; `address` where it is known."""

    domain: str
    chain_ids: Collection[str]
    nonce: str
    now: datetime
    address: str | None = None


def moment(text: str) -> datetime:
    """An RFC 3339 time as an aware UTC datetime. Raises SignInUnreadable."""
    try:
        if not _MOMENT.fullmatch(text):
            raise SignInUnreadable(field="time")
        # fromisoformat reads six digits of a second; more are cut off.
        return datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SignInUnreadable(field="time") from None


def check_fields(message: Message, *, statement_is_fit: Callable[[str], bool]) -> None:
    """Raises SignInUnreadable unless every field has its form; no field can hold a line break."""
    optional_times = [time for time in (message.expiration_time, message.not_before) if time is not None]
    fit = {
        "domain": bool(_DOMAIN.fullmatch(message.domain)),
        "statement": message.statement is None or statement_is_fit(message.statement),
        "uri": bool(_URI.fullmatch(message.uri)),
        "version": message.version == "1",
        "nonce": bool(_NONCE.fullmatch(message.nonce)),
        "request_id": message.request_id is None or bool(_REQUEST_ID.fullmatch(message.request_id)),
        "resources": len(message.resources) <= MOST_RESOURCES
        and all(_URI.fullmatch(resource) for resource in message.resources),
    }
    for field, is_fit in fit.items():
        if not is_fit:
            raise SignInUnreadable(field=field)
    for time in (message.issued_at, *optional_times):
        moment(time)


def field_lines(message: Message) -> list[str]:
    """The lines from URI to the last resource."""
    values = [(label, getattr(message, name)) for label, name in _FIELDS]
    lines = [f"{label}: {value}" for label, value in values if value is not None]
    if message.resources:
        lines += ["Resources:", *(f"- {resource}" for resource in message.resources)]
    return lines


def read_fields(lines: list[str]) -> dict[str, str | tuple[str, ...] | None]:
    """The fields of those lines, by name; each label at most once and in order. Raises SignInUnreadable."""
    fields: dict[str, str | tuple[str, ...] | None] = {}
    rest = list(lines)
    for label, name in _FIELDS:
        if rest and rest[0].startswith(f"{label}: "):
            fields[name] = rest.pop(0).removeprefix(f"{label}: ")
        elif name not in _OPTIONAL:
            raise SignInUnreadable(field=name)
    if rest:
        if rest[0] != "Resources:" or len(rest) == 1 or not all(line.startswith("- ") for line in rest[1:]):
            raise SignInUnreadable(field="resources")
        fields["resources"] = tuple(line.removeprefix("- ") for line in rest[1:])
    return fields


def check_use(message: Message, expected: Expected, *, chain_id: str) -> None:
    """Raises the SignInRefused that applies; `chain_id` is the message's, in the form that `expected` uses."""
    host = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", message.uri)
    if message.domain != expected.domain or host is None or host[1] != expected.domain:
        raise WrongDomain
    if chain_id not in expected.chain_ids:
        raise WrongChainId
    if message.nonce != expected.nonce:
        raise WrongNonce
    if expected.address is not None and message.address != expected.address:
        raise WrongAddress
    _check_times(message, expected.now)


def _check_times(message: Message, now: datetime) -> None:
    if moment(message.issued_at) > now + CLOCK_SKEW:
        raise SignInNotYetValid
    if message.not_before is not None and now < moment(message.not_before):
        raise SignInNotYetValid
    if message.expiration_time is not None and now >= moment(message.expiration_time):
        raise SignInExpired
