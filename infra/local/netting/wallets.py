"""Wallets of the local market, their keys derived from names: worthless anywhere else, the same on every run."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from kernel.keys.solana import LocalSolanaSigner

SEED: Final = "netting"


@dataclass(frozen=True, slots=True)
class Wallet:
    """Somebody at the market: the key that owns, and the session key that trades for it."""

    name: str
    seed: bytes = field(repr=False)
    signer: LocalSolanaSigner = field(repr=False, compare=False)
    session: LocalSolanaSigner = field(repr=False, compare=False)

    @classmethod
    def named(cls, name: str) -> Self:
        """The wallet of that name."""
        seed, session = _seed(name), _seed(f"{name}'s session")
        return cls(name, seed, LocalSolanaSigner(seed), LocalSolanaSigner(session))

    @property
    def address(self) -> str:
        """Who it is, in base58."""
        return self.signer.address


def _seed(name: str) -> bytes:
    return sha256(f"counterpart development key\n{SEED}\n{name}".encode()).digest()
