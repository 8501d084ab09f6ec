"""Owns chain transactions that must happen once: recorded with the business change, signed, broadcast, made final."""

from kernel.outbox.decision import OutboxPolicy
from kernel.outbox.entries import EvmIntent, IntentChanged, OutboxEntry, Purpose, SubmitTransaction
from kernel.outbox.evm import EvmOutbox
from kernel.outbox.lifecycle import State

__all__ = [
    "EvmIntent",
    "EvmOutbox",
    "IntentChanged",
    "OutboxEntry",
    "OutboxPolicy",
    "Purpose",
    "State",
    "SubmitTransaction",
]
