"""Owns Solana transactions that must happen once: `lifecycle` is the essay, `decision` the algorithm."""

from kernel.outbox.solana.decision import SolanaPolicy
from kernel.outbox.solana.entries import (
    DurableNonceMissing,
    Purpose,
    SolanaEntry,
    SolanaIntent,
    SolanaIntentChanged,
    SubmitSolanaTransaction,
)
from kernel.outbox.solana.given import GivenMessage
from kernel.outbox.solana.lifecycle import State
from kernel.outbox.solana.outbox import SolanaOutbox
from kernel.outbox.solana.signing import greatest_limit

__all__ = [
    "DurableNonceMissing",
    "GivenMessage",
    "Purpose",
    "SolanaEntry",
    "SolanaIntent",
    "SolanaIntentChanged",
    "SolanaOutbox",
    "SolanaPolicy",
    "State",
    "SubmitSolanaTransaction",
    "greatest_limit",
]
