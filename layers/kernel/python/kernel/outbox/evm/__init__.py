"""Owns EVM transactions that must happen once: `lifecycle` is the essay, `decision` the algorithm."""

from kernel.outbox.evm.decision import OutboxPolicy
from kernel.outbox.evm.entries import EvmIntent, IntentChanged, OutboxEntry, Purpose, SubmitTransaction
from kernel.outbox.evm.lifecycle import State
from kernel.outbox.evm.outbox import EvmOutbox

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
