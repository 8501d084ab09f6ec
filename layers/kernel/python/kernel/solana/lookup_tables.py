"""Owns lookup tables: accounts that hold addresses, so that a transaction names each by one byte instead of 32.

A table is made by its authority in one transaction and filled by further ones, `EXTENSION_MAX` addresses at a time.
What was added can be looked up from the next slot on (`kernel.solana.accounts.table_of` leaves it out until then).
"""

from collections.abc import Sequence
from typing import Final

from kernel.solana.instructions import Instruction, from_solders, key

TABLE_ADDRESSES_MAX: Final = 256
# As many as fit into a packet beside two signatures, the compute budget and a durable nonce.
EXTENSION_MAX: Final = 20


def create_table(authority: str, payer: str, *, recent_slot: int) -> tuple[Instruction, str]:
    """The instruction, and the address of the table that it makes. recent_slot: one with a block, not yet 512 old.

    The same authority and slot give the same table, so a repeated instruction fails instead of making a second one.
    """
    from solders.system_program import CreateLookupTableParams, create_lookup_table

    instruction, address = create_lookup_table(
        CreateLookupTableParams(authority_address=key(authority), payer_address=key(payer), recent_slot=recent_slot)
    )
    return from_solders(instruction), str(address)


def extend_table(table: str, authority: str, payer: str, addresses: Sequence[str]) -> list[Instruction]:
    """The instructions that add addresses in this order, one for each transaction; none for no addresses."""
    from solders.system_program import ExtendLookupTableParams, extend_lookup_table

    if len(addresses) > TABLE_ADDRESSES_MAX:
        raise ValueError(f"a table holds {TABLE_ADDRESSES_MAX} addresses, not {len(addresses)}")
    return [
        from_solders(
            extend_lookup_table(
                ExtendLookupTableParams(
                    lookup_table_address=key(table),
                    authority_address=key(authority),
                    payer_address=key(payer),
                    new_addresses=[key(one) for one in addresses[start : start + EXTENSION_MAX]],
                )
            )
        )
        for start in range(0, len(addresses), EXTENSION_MAX)
    ]
