"""Owns Sign-In with Solana: the text a wallet shows and signs (Ed25519), written, read strictly and validated.

    {domain} wants you to sign in with your Solana account:
    {address}
    (empty)
    {statement}                     with the empty line above it; both may be absent
    (empty)
    URI: ...  Version: 1  Chain ID: ...  Nonce: ...  Issued At: ...
    Expiration Time: ...  Not Before: ...  Request ID: ...  Resources: - ...      each of these may be absent

Lines are joined by a line feed, with none at the end.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from kernel import base58, signin
from kernel.signin import Expected, SignInUnreadable

_TITLE = " wants you to sign in with your Solana account:"
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}", re.ASCII)
_PUBLIC_KEY_BYTES = 32
_LONGEST_STATEMENT = 1_000
#: The wallets' older numbers for two of the clusters.
_OLDER_NAMES = {"101": "mainnet", "103": "devnet"}
CLUSTERS = frozenset({"mainnet", "devnet", "testnet", "localnet"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(signin.Message):
    """A Sign-In with Solana message. Raises SignInUnreadable when a field lacks its form."""

    chain_id: str = "mainnet"

    def __post_init__(self) -> None:
        """A message that exists can be rendered, and read back."""
        signin.check_fields(self, statement_is_fit=_is_plain_line)
        if not is_address(self.address):
            raise SignInUnreadable(field="address")
        if self.cluster not in CLUSTERS:
            raise SignInUnreadable(field="chain_id")

    @property
    def cluster(self) -> str:
        """The chain id by its name."""
        return _OLDER_NAMES.get(self.chain_id, self.chain_id)


def render(message: Message) -> str:
    """The text to be signed."""
    head = [message.domain + _TITLE, message.address]
    statement = [] if message.statement is None else ["", message.statement]
    return "\n".join([*head, *statement, "", *signin.field_lines(message)])


def parse(text: str) -> Message:
    """The message in the text. Raises SignInUnreadable unless rendering it gives the same text again."""
    lines = text.split("\n") if len(text) <= signin.LONGEST_TEXT else []
    if len(lines) < 3 or not lines[0].endswith(_TITLE) or lines[2] != "":
        raise SignInUnreadable(field="title")

    has_statement = len(lines) > 4 and lines[4] == ""
    fields: dict[str, Any] = signin.read_fields(lines[5 if has_statement else 3 :])
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

    `expected.chain_ids` are clusters by name. The signature over the text must have been verified by the caller.
    """
    signin.check_use(message, expected, chain_id=message.cluster)


def is_address(text: str) -> bool:
    """Whether the text is 32 bytes in base58, written in the one way there is."""
    return bool(_ADDRESS.fullmatch(text)) and len(base58.decode(text)) == _PUBLIC_KEY_BYTES


def _is_plain_line(statement: str) -> bool:
    """No line break of any alphabet, no control or direction character: what is shown is what is signed."""
    return 0 < len(statement) <= _LONGEST_STATEMENT and not any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in statement
    )
