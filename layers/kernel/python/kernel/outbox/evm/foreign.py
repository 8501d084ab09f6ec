"""Owns the question whether a transaction of somebody else does exactly what an entry owes. Pure.

An operator's wallet that was asked to sign may send the transaction itself, and a colleague may pay by hand what the
outbox was told to pay. Paying again because the hash is not ours would be the second effect that must not be.
"""

from collections.abc import Mapping
from typing import Any

from kernel.evm.blocks import address_told, octets, quantity
from kernel.outbox.evm.entries import OutboxEntry


def is_the_effect(entry: OutboxEntry, transaction: Mapping[str, Any]) -> bool:
    """True when the transaction, as a node tells it, is from our signer at our nonce and has our effect.

    Fees and gas may differ: what it costs is not what it does. A transaction without a chain id (signed before EIP-155)
    is none of ours, though a chain would take it.
    """
    recipient, chain_id = transaction.get("to"), transaction.get("chainId")
    return (
        recipient is not None
        and chain_id is not None
        and quantity(chain_id) == entry.chain_id
        and address_told(transaction["from"]) == entry.signer
        and quantity(transaction["nonce"]) == entry.nonce
        and address_told(recipient) == entry.to
        and quantity(transaction["value"]) == entry.value_wei
        and octets(transaction["input"]) == entry.data
    )
