"""Reads a token's mint: finalized, and by a quorum."""

from dataclasses import dataclass
from typing import Final

from functions.contests.core.whitelist import MintUnfit, mint_of
from kernel.solana.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from kernel.solana.pool import SolanaPool

_PROGRAMS: Final = frozenset((TOKEN_PROGRAM, TOKEN_2022_PROGRAM))


@dataclass(frozen=True, slots=True)
class TokenMint:
    """A mint, how its units are counted, and the program that it belongs to."""

    address: str
    decimals: int
    program: str


class Mints:
    """Every mint of a cluster."""

    def __init__(self, pool: SolanaPool) -> None:
        self._pool = pool

    def read(self, address: str) -> TokenMint:
        """What its account says. Raises MintUnfit, NoQuorum, RpcUnavailable."""
        (account,) = self._pool.agreed_accounts([address])
        if account is None or account.owner not in _PROGRAMS:
            raise MintUnfit(mint=address)
        return TokenMint(address, mint_of(address, account.data).decimals, account.owner)
