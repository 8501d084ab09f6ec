"""Owns what the slices watch on the chains, for whoever is told of events unasked: the webhooks' intake.

A slice declares the same watch that its cursor reads (`kernel.evm.log_cursor.Watch`,
`kernel.solana.program_cursor.ProgramWatch`), in the transaction with which its contract becomes its business. What a
webhook tells is then taken exactly where the cursor would deliver it, into tasks of the same kind and identity.
"""

from kernel.watches.matching import spoken, wants
from kernel.watches.store import Watches

__all__ = ["Watches", "spoken", "wants"]
