"""Players of the local market, their keys derived from names: worthless anywhere else, the same on every run."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from kernel.keys.solana import LocalSolanaSigner

SEED: Final = "contests"


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody with a wallet."""

    name: str
    seed: bytes = field(repr=False)
    signer: LocalSolanaSigner = field(repr=False, compare=False)

    @classmethod
    def named(cls, name: str) -> Self:
        """The player of that name."""
        seed = sha256(f"counterpart development key\n{SEED}\n{name}".encode()).digest()
        return cls(name, seed, LocalSolanaSigner(seed))

    @property
    def address(self) -> str:
        """The wallet, in base58."""
        return self.signer.address
