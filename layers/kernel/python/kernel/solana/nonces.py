"""Owns durable nonces: an account's stored value in the place of a blockhash, so that signed bytes live until used.

The transaction's first instruction advances the nonce, and the runtime does that even when a later one fails: bytes
signed with a value can land once, and never again after the account holds another one.
"""

from dataclasses import dataclass
from typing import Final

from kernel.solana.instructions import Instruction, from_solders, key

# What an account of 80 bytes must hold to be exempt from rent.
NONCE_RENT_LAMPORTS: Final = 1_447_680
# Version and state, 4 bytes each; authority, blockhash; lamports a signature.
NONCE_SIZE_BYTES: Final = 80


@dataclass(frozen=True, slots=True)
class DurableNonce:
    """A nonce account, whose stored value takes the place of a blockhash, and who may advance it."""

    account: str
    authority: str
    blockhash: str


def create_nonce(
    payer: str, account: str, authority: str, *, lamports: int = NONCE_RENT_LAMPORTS
) -> tuple[Instruction, Instruction]:
    """Make a nonce account; the account's own key signs beside the payer's."""
    from solders.system_program import (
        ID,
        CreateAccountParams,
        InitializeNonceAccountParams,
        create_account,
        initialize_nonce_account,
    )

    made = create_account(
        CreateAccountParams(
            from_pubkey=key(payer), to_pubkey=key(account), lamports=lamports, space=NONCE_SIZE_BYTES, owner=ID
        )
    )
    initialized = initialize_nonce_account(
        InitializeNonceAccountParams(nonce_pubkey=key(account), authority=key(authority))
    )
    return from_solders(made), from_solders(initialized)


def advance_nonce(nonce: DurableNonce) -> Instruction:
    """Turn a nonce account's value into the next; the first instruction of each transaction that lives by it."""
    from solders.system_program import AdvanceNonceAccountParams, advance_nonce_account

    return from_solders(
        advance_nonce_account(
            AdvanceNonceAccountParams(nonce_pubkey=key(nonce.account), authorized_pubkey=key(nonce.authority))
        )
    )
