"""Owns the transfer of tokens: two instructions of the token programs, written out.

solana-py has them too, behind 0.3 s of import; the tests compare every byte with it.
"""

import struct
from typing import Final

from kernel.solana.addresses import ASSOCIATED_TOKEN_PROGRAM, SYSTEM_PROGRAM, TOKEN_PROGRAM, associated_token_address
from kernel.solana.instructions import AccountUse, Instruction

TRANSFER_CHECKED: Final = 12
CREATE_IDEMPOTENT: Final = 1
AMOUNT_MAX: Final = 2**64 - 1
DECIMALS_MAX: Final = 255


def token_transfer(
    source: str, destination: str, owner: str, *, mint: str, amount: int, decimals: int, program: str = TOKEN_PROGRAM
) -> Instruction:
    """Tokens from one token account to another, in the mint's smallest unit; the program checks mint and decimals."""
    if not (0 <= amount <= AMOUNT_MAX and 0 <= decimals <= DECIMALS_MAX):
        raise ValueError(f"no transfer of {amount} tokens with {decimals} decimals")
    accounts = (
        AccountUse(source, writable=True),
        AccountUse(mint),
        AccountUse(destination, writable=True),
        AccountUse(owner, signer=True),
    )
    return Instruction(program, accounts, struct.pack("<BQB", TRANSFER_CHECKED, amount, decimals))


def create_token_account(payer: str, owner: str, *, mint: str, program: str = TOKEN_PROGRAM) -> Instruction:
    """Make the owner's associated token account, or leave it as it is: harmless to repeat."""
    accounts = (
        AccountUse(payer, signer=True, writable=True),
        AccountUse(associated_token_address(owner, mint, program=program), writable=True),
        AccountUse(owner),
        AccountUse(mint),
        AccountUse(SYSTEM_PROGRAM),
        AccountUse(program),
    )
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, accounts, bytes([CREATE_IDEMPOTENT]))
