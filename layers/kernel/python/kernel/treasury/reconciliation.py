"""Owns what a wallet's balance on the chain says about the books: balanced, still moving, or different. Pure.

On a chain whose state can be read at a block (EVM), everything is as of one final block B, at which the chain tells
the balance and how many transactions the wallet has sent. The books are read later, in one statement, and brought back
to B:

    expected = the wallet's account + what it has in transit
             + what left it in transactions that were booked already and are mined after B
             - what came to it from other wallets in transactions that were booked already and are mined after B

That is exact, whatever is in flight, unless a transaction that is mined at B is not booked yet. Where the chain does
not tell which transactions B holds (Solana), every signed one that is not booked may be such a one.

1. A transaction of the wallet is on the chain, or may be, and not in the books: pending.
2. The chain holds what is expected: balanced.
3. It holds more, but no more than is on its way from other wallets, or is expected from outside: pending.
4. Anything else is a difference, for a person: money from outside, money that left by another hand, or a mistake.
"""

from dataclasses import dataclass
from typing import Final

PENDING: Final = "pending"
BALANCED: Final = "balanced"
DIFFERENCE: Final = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The wallet on the chain, as a quorum says: its balance at a final block (or slot).

    `transactions` is how many it has sent up to that block; None where the chain's state is not read at a block.
    """

    block: int
    balance: int
    transactions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The wallet in the ledger and the outbox, in its asset's smallest unit; the module's docstring says what for."""

    account: int
    in_transit: int = 0
    left_later: int = 0
    came_later: int = 0
    arriving: int = 0  # on its way from other wallets, not booked
    awaited: int = 0  # expected from outside, at most, and not booked
    unbooked: int = 0  # how many transactions of the wallet may be on the chain and are not in the books

    @property
    def expected(self) -> int:
        """What the chain should hold."""
        return self.account + self.in_transit + self.left_later - self.came_later


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """To the last unit."""

    verdict: str = BALANCED
    amount: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is on its way could explain it; look again. is_awaited: only what is expected from outside could."""

    reason: str
    amount: int = 0
    is_awaited: bool = False
    verdict: str = PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The chain holds `amount` more (+) or less (-) than the books."""

    amount: int
    reason: str
    verdict: str = DIFFERENCE


Verdict = Balanced | Pending | Difference


def reconcile(sighting: Sighting, books: Books) -> Verdict:
    """The verdict on one wallet. The module's docstring is the algorithm."""
    amount = sighting.balance - books.expected
    if books.unbooked > 0:
        return Pending(
            amount=amount, reason=f"{books.unbooked} transactions may be on the chain and are not booked yet"
        )
    if amount == 0:
        return Balanced()
    if 0 < amount <= books.arriving:
        return Pending(amount=amount, reason="transfers from other wallets may have arrived that are not booked yet")
    if 0 < amount <= books.arriving + books.awaited:
        return Pending(amount=amount, reason="what is expected may have come, and is not booked yet", is_awaited=True)
    return Difference(
        amount=amount,
        reason="the chain holds more than the books" if amount > 0 else "the chain holds less than the books",
    )
