"""Owns which tokens may be played with: what putting one on the list costs, and what a mint must be."""

import struct
from dataclasses import dataclass
from typing import Final

from functions.contests.core.achievements import LEVELS, level
from kernel.amounts import mul_div_ceil
from kernel.errors import Conflict, Invalid

FEE_LAMPORTS: Final = 1_000_000_000
SYMBOL_LONGEST: Final = 10
NAME_LONGEST: Final = 50
DECIMALS_MAX: Final = 18
#: Mint authority, supply, decimals, whether it is initialized, freeze authority: the first 82 bytes of every mint.
_MINT: Final = struct.Struct("<I32sQBB36s")
#: With extensions a mint is padded to the size of a token account, and then a byte says what it is.
_KIND_AT: Final = 165
_IS_MINT: Final = 1


class MintUnfit(Invalid):
    """This address is no token that can be played with."""

    status = 422
    cause = "No finalized account is there, or it is no initialized mint of a token program."
    remedy = "Give the address of a token's mint, as wallets show it, once its creation is final."
    example = '{"mint": "So11111111111111111111111111111111111111112"}'


class TokenTextUnfit(Invalid):
    """A token's symbol or name cannot be shown."""

    status = 422
    cause = "A symbol has 1 to 10 printable characters and a name 1 to 50, neither with blanks at its ends."
    remedy = "Shorten it, or leave out what is not printed."


class TokenListed(Conflict):
    """This token is on the list already."""

    cause = "Somebody has put it there; nothing was charged for yours."
    remedy = "Play with it. A fee that you have paid stays good for another token, with the same signature."


@dataclass(frozen=True, slots=True)
class Mint:
    """What a mint's account says."""

    decimals: int
    supply: int


def fee_lamports(experience: int) -> int:
    """What an addition costs: 1 SOL, less one percent for every level above the first."""
    return fees_lamports(experience)[-1]


def fees_lamports(experience: int) -> list[int]:
    """What it has cost a wallet since its first level: who rises while a payment is on its way has paid enough."""
    steps = [name for _, name in LEVELS].index(level(experience))
    return [mul_div_ceil(FEE_LAMPORTS, 100 - step, 100) for step in range(steps + 1)]


def checked_text(symbol: str, name: str) -> tuple[str, str]:
    """Symbol and name as they are. Raises TokenTextUnfit."""
    for text, longest in ((symbol, SYMBOL_LONGEST), (name, NAME_LONGEST)):
        if not 1 <= len(text) <= longest or not text.isprintable() or text != text.strip():
            raise TokenTextUnfit(longest=longest)
    return symbol, name


def mint_of(address: str, content: bytes) -> Mint:
    """What the account of a token program says; wrapped SOL has no supply. Raises MintUnfit for one that is no mint."""
    if not (len(content) == _MINT.size or content[_KIND_AT : _KIND_AT + 1] == bytes([_IS_MINT])):
        raise MintUnfit(mint=address)
    _, _, supply, decimals, is_initialized, _ = _MINT.unpack(content[: _MINT.size])
    if is_initialized != 1 or decimals > DECIMALS_MAX:
        raise MintUnfit(mint=address)
    return Mint(decimals=decimals, supply=supply)
