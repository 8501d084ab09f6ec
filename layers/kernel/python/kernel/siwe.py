"""Owns Sign-In with Ethereum (EIP-4361): the text a wallet shows and signs, written, read strictly and validated.

    {domain} wants you to sign in with your Ethereum account:
    {address}                       in its EIP-55 form
    (empty)
    {statement}                     may be absent; both empty lines stay
    (empty)
    URI: ...  Version: 1  Chain ID: ...  Nonce: ...  Issued At: ...
    Expiration Time: ...  Not Before: ...  Request ID: ...  Resources: - ...      each of these may be absent

The standard's optional scheme before the domain is refused: no wallet we know writes it, and two spellings of one
domain are one too many.
"""

import re
from dataclasses import dataclass
from typing import Any

from kernel import signin
from kernel.evm.addresses import AddressInvalid, checksum
from kernel.hashes import keccak256
from kernel.signin import Expected, SignInUnreadable

_TITLE = " wants you to sign in with your Ethereum account:"
_CHAIN_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
# RFC 3986's reserved and unreserved characters, and the blank.
_STATEMENT = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;= -]{1,1000}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(signin.Message):
    """An EIP-4361 message. Raises SignInUnreadable when a field lacks its form."""

    def __post_init__(self) -> None:
        """A message that exists can be rendered, and read back."""
        signin.check_fields(self, statement_is_fit=lambda text: bool(_STATEMENT.fullmatch(text)))
        if not _is_address(self.address):
            raise SignInUnreadable(field="address")
        if not _CHAIN_ID.fullmatch(self.chain_id):
            raise SignInUnreadable(field="chain_id")


def render(message: Message) -> str:
    """The text to be signed."""
    head = [message.domain + _TITLE, message.address, ""]
    statement = [] if message.statement is None else [message.statement]
    return "\n".join([*head, *statement, "", *signin.field_lines(message)])


def parse(text: str) -> Message:
    """The message in the text. Raises SignInUnreadable unless rendering it gives the same text again."""
    lines = text.split("\n") if len(text) <= signin.LONGEST_TEXT else []
    if len(lines) < 5 or not lines[0].endswith(_TITLE) or lines[2] != "":
        raise SignInUnreadable(field="title")

    has_statement = lines[3] != ""
    if has_statement and lines[4] != "":
        raise SignInUnreadable(field="statement")
    fields: dict[str, Any] = signin.read_fields(lines[5 if has_statement else 4 :])
    message = Message(
        domain=lines[0].removesuffix(_TITLE),
        address=lines[1],
        statement=lines[3] if has_statement else None,
        **fields,
    )
    if render(message) != text:
        raise SignInUnreadable(field="text")
    return message


def validate(message: Message, expected: Expected) -> None:
    """Raises WrongDomain, WrongChainId, WrongNonce, WrongAddress, SignInExpired or SignInNotYetValid.

    `expected.chain_ids` are decimal EIP-155 numbers. The signature must have been verified by the caller.
    """
    signin.check_use(message, expected, chain_id=message.chain_id)


def digest(text: str) -> bytes:
    """The 32 bytes that the wallet signs: EIP-191's personal message around the text."""
    octets = text.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(octets)).encode() + octets)


def _is_address(text: str) -> bool:
    """Whether the text is an address in its EIP-55 form."""
    try:
        return checksum(text) == text
    except AddressInvalid:
        return False
