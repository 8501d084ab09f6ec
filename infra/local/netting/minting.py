"""Tokens of one unit, as the token program keeps them: a mint of its own each, of which nobody can make a second one.

They are written into the node, not sent to it: Surfpool takes 30 to 100 ms for a transaction that mints one.
"""

import struct
from typing import Final

from infra.local.solana import SolanaNode
from kernel import base58
from kernel.solana.addresses import TOKEN_PROGRAM, associated_token_address

#: What accounts of their sizes must hold so that they stay.
MINT_LAMPORTS: Final = 1_461_600
TOKEN_LAMPORTS: Final = 2_039_280
_INITIALIZED: Final = 1


def mint_one(node: SolanaNode, mint: str, owner: str) -> None:
    """A mint without an authority, and its only unit in the owner's token account."""
    content = struct.pack("<36xQBB36x", 1, 0, _INITIALIZED)
    node.set_account(mint, lamports=MINT_LAMPORTS, owner=TOKEN_PROGRAM, content=content)
    open_token_account(node, mint, owner, amount=1)


def open_token_account(node: SolanaNode, mint: str, holder: str, amount: int = 0) -> None:
    """A holder's own token account of that mint."""
    content = base58.decode(mint) + base58.decode(holder) + struct.pack("<Q36xB56x", amount, _INITIALIZED)
    address = associated_token_address(holder, mint)
    node.set_account(address, lamports=TOKEN_LAMPORTS, owner=TOKEN_PROGRAM, content=content)
