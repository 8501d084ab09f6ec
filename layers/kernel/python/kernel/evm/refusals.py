"""Owns what a node's refusal of a transaction means: one table from the words of the clients to our meanings.

Nodes answer eth_sendRawTransaction with prose. The codes do not help (-32000 for nearly everything), so the prose is
matched, lower-cased, by the first row that occurs in it. The rows come from the sources of geth (and coreth, which
Flare runs), Nethermind, Besu, Erigon, reth and anvil. What no row knows is UNKNOWN, and never taken for success.
"""

from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """What a refusal means for the entry whose bytes were sent."""

    KNOWN = "known"  # The node has these very bytes: as good as accepted.
    NONCE_USED = "nonce_used"  # Something at this nonce is mined: ours, or another program's. Look it up.
    NONCE_AHEAD = "nonce_ahead"  # A lower nonce is missing at this node. Send again later.
    UNDERPRICED = "underpriced"  # The offer is too low, alone or against what it would replace. Raise it.
    UNFUNDED = "unfunded"  # The signer cannot pay. Alarm; top up; send again.
    BUSY = "busy"  # The pool is full or the account has too much in flight. Send again later.
    UNACCEPTABLE = "unacceptable"  # No node will ever take this payload. Fill its nonce with a no-op.
    UNKNOWN = "unknown"  # Words that no row knows. Send again, and let a person read them.


MEANINGS: Final[tuple[tuple[str, Refusal], ...]] = (
    # First, because "unknown transaction type" contains the words of a node that knows our bytes.
    ("unknown transaction", Refusal.UNKNOWN),
    ("already known", Refusal.KNOWN),
    ("alreadyknown", Refusal.KNOWN),
    ("already imported", Refusal.KNOWN),
    ("known transaction", Refusal.KNOWN),
    ("already exists", Refusal.KNOWN),
    ("replacement transaction underpriced", Refusal.UNDERPRICED),
    ("replacement_underpriced", Refusal.UNDERPRICED),
    ("replacementnotallowed", Refusal.UNDERPRICED),
    ("future transaction tries to replace pending", Refusal.UNDERPRICED),
    ("underpriced", Refusal.UNDERPRICED),
    ("feetoolow", Refusal.UNDERPRICED),
    ("fee too low", Refusal.UNDERPRICED),
    ("gas price supplied is too low", Refusal.UNDERPRICED),
    ("less than block base fee", Refusal.UNDERPRICED),
    ("below configured minimum gas price", Refusal.UNDERPRICED),
    ("gas price below", Refusal.UNDERPRICED),
    ("nonce too low", Refusal.NONCE_USED),
    ("nonce is too low", Refusal.NONCE_USED),
    ("oldnonce", Refusal.NONCE_USED),
    ("nonce too high", Refusal.NONCE_AHEAD),
    ("noncegap", Refusal.NONCE_AHEAD),
    ("nonce gap", Refusal.NONCE_AHEAD),
    ("gapped-nonce", Refusal.NONCE_AHEAD),
    ("nonce is too distant", Refusal.NONCE_AHEAD),
    ("nonce too far", Refusal.NONCE_AHEAD),
    ("insufficient funds", Refusal.UNFUNDED),
    ("insufficientfunds", Refusal.UNFUNDED),
    ("insufficient balance", Refusal.UNFUNDED),
    ("upfront cost exceeds account balance", Refusal.UNFUNDED),
    ("pool is full", Refusal.BUSY),
    ("pool limit", Refusal.BUSY),
    ("in-flight transaction limit", Refusal.BUSY),
    ("exceeds the configured cap", Refusal.UNACCEPTABLE),
    ("intrinsic gas", Refusal.UNACCEPTABLE),
    ("floor data gas", Refusal.UNACCEPTABLE),
    ("block gas limit", Refusal.UNACCEPTABLE),
    ("transaction's gas limit", Refusal.UNACCEPTABLE),
    ("gaslimitexceeded", Refusal.UNACCEPTABLE),
    # Above what one transaction may use (EIP-7825), whatever a block takes.
    ("transaction gas limit", Refusal.UNACCEPTABLE),
    ("gas limit too high", Refusal.UNACCEPTABLE),
    ("gaslimitcapexceeded", Refusal.UNACCEPTABLE),
    ("max_gas_limit_exceeded", Refusal.UNACCEPTABLE),
    ("oversized data", Refusal.UNACCEPTABLE),
    ("higher than max fee per gas", Refusal.UNACCEPTABLE),
    ("transaction type not supported", Refusal.UNACCEPTABLE),
    ("invalid sender", Refusal.UNACCEPTABLE),
    ("invalid chain id", Refusal.UNACCEPTABLE),
    ("max initcode size", Refusal.UNACCEPTABLE),
)


def meaning_of(message: str) -> Refusal:
    """What a node's words mean; UNKNOWN when no row matches."""
    words = message.lower()
    return next((meaning for fragment, meaning in MEANINGS if fragment in words), Refusal.UNKNOWN)
