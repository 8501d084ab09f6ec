"""Owns the addresses of Solana's own programs, and those that are derived from others."""

from collections.abc import Sequence
from typing import Final

SYSTEM_PROGRAM: Final = "11111111111111111111111111111111"
COMPUTE_BUDGET_PROGRAM: Final = "ComputeBudget111111111111111111111111111111"
LOOKUP_TABLE_PROGRAM: Final = "AddressLookupTab1e1111111111111111111111111"
# Tokens of another kind than the secrets that the rule looks for.
TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105
TOKEN_2022_PROGRAM: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105
ASSOCIATED_TOKEN_PROGRAM: Final = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"  # noqa: S105
MEMO_PROGRAM: Final = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


def derived_address(program: str, seeds: Sequence[bytes]) -> tuple[str, int]:
    """The address that only `program` can sign for, and its bump: the first off the curve, counting down from 255."""
    from solders.pubkey import Pubkey

    address, bump = Pubkey.find_program_address(seeds, Pubkey.from_string(program))
    return str(address), bump


def associated_token_address(owner: str, mint: str, *, program: str = TOKEN_PROGRAM) -> str:
    """Where an owner holds a token unless they chose otherwise."""
    from solders.pubkey import Pubkey

    seeds = [bytes(Pubkey.from_string(part)) for part in (owner, program, mint)]
    return derived_address(ASSOCIATED_TOKEN_PROGRAM, seeds)[0]
