"""Owns what an order's life is in the books: postings that cancel out in each asset, and the profit that they tell.

The treasury books a transaction by itself: its value from the signer's wallet to `bridge:outside`, its gas to
`bridge:fees`; a repayment on the origin from `bridge:outside` to the wallet there. What is here says what those were:

paid       outside -> owed            the amount, once the payment is final
claimed    outside -> messages        what the message to the origin cost, once the claim is final
closed     owed -> exchanged          the amount, on Ethereum
           exchanged -> outside       the same amount, on the origin
           earned -> outside          the fee, there
refunded   refunded -> outside        what a message did not use of what was paid for it, on the origin
lost       owed -> lost               a deposit that was reorganised away after we paid; found: the other way

So `exchanged` holds as much ether on Ethereum as it lacks on the origin: ether moved from here to there. One wei is one
wei on both sides, and

    profit = earned - gas - (messages - refunded) - lost

Gas, messages and refunds of a claim of several orders are shared evenly, the first orders bear the remainder.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from functions.bridge.core.order import Deposit

OUTSIDE: Final = "bridge:outside"
FEES: Final = "bridge:fees"
MESSAGES: Final = "bridge:messages"
REFUNDED: Final = "bridge:refunded"
EXCHANGED: Final = "bridge:exchanged"
EARNED: Final = "bridge:earned"
#: Accounts whose balance is the balance of the world, or a debt to ourselves.
NEGATIVE: Final = frozenset((OUTSIDE, EXCHANGED, EARNED, REFUNDED))


@dataclass(frozen=True, slots=True)
class Line:
    """So much into the account (+), or out of it (-)."""

    account: str
    asset: str
    amount: int


def owed(origin: str) -> str:
    """What the escrow of an origin owes us."""
    return f"bridge:owed:{origin}"


def lost(origin: str) -> str:
    """What was paid for deposits that are gone."""
    return f"bridge:lost:{origin}"


def paid(deposit: Deposit, l1: str) -> tuple[Line, ...]:
    """A payment is final: the world owes us what it got. `l1` is Ethereum's ether."""
    return _moved(OUTSIDE, owed(deposit.key.origin), l1, deposit.amount_wei)


def claimed(value_wei: int, l1: str) -> tuple[Line, ...]:
    """A claim is final: what went with it has paid for its message; nothing where it was free."""
    return _moved(OUTSIDE, MESSAGES, l1, value_wei) if value_wei else ()


def closed(deposit: Deposit, l1: str, l2: str, repaid: str) -> tuple[Line, ...]:
    """The escrow has repaid amount and fee. `repaid`: the account that they go to in these postings.

    That is `OUTSIDE` where the treasury may keep the wallet on the origin, since it books the money from there to it;
    on a chain that it does not serve this is all that is booked, and `repaid` is the wallet's own account.
    """
    amount, fee = deposit.amount_wei, deposit.fee_wei
    on_origin = (Line(repaid, l2, amount + fee), Line(EXCHANGED, l2, -amount), Line(EARNED, l2, -fee))
    lines = (*_moved(owed(deposit.key.origin), EXCHANGED, l1, amount), *on_origin)
    return tuple(line for line in lines if line.amount)


def refunded(amount_wei: int, l2: str) -> tuple[Line, ...]:
    """A message has left so much of its fee, on the origin."""
    return _moved(REFUNDED, OUTSIDE, l2, amount_wei)


def given_up(deposit: Deposit, l1: str) -> tuple[Line, ...]:
    """The deposit is gone from the origin: what is owed is lost."""
    return _moved(owed(deposit.key.origin), lost(deposit.key.origin), l1, deposit.amount_wei)


def found(deposit: Deposit, l1: str) -> tuple[Line, ...]:
    """It is there again: what was lost is owed."""
    return _moved(lost(deposit.key.origin), owed(deposit.key.origin), l1, deposit.amount_wei)


def share(total: int, ordinal: int, parts: int) -> int:
    """One order's share of what several cost; all shares together are the total."""
    if not 0 <= ordinal < parts:
        raise ValueError(f"there is no part {ordinal} of {parts}")
    whole, rest = divmod(total, parts)
    return whole + (ordinal < rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """What came of one order, or of all, in wei. messages_wei: less what came back of them."""

    earned_wei: int = 0
    gas_wei: int = 0
    messages_wei: int = 0
    lost_wei: int = 0

    @property
    def profit_wei(self) -> int:
        """What is left; negative for a loss."""
        return self.earned_wei - self.gas_wei - self.messages_wei - self.lost_wei


def total(profits: Iterable[Profit]) -> Profit:
    """All of them together."""
    listed = list(profits)
    return Profit(
        earned_wei=sum(one.earned_wei for one in listed),
        gas_wei=sum(one.gas_wei for one in listed),
        messages_wei=sum(one.messages_wei for one in listed),
        lost_wei=sum(one.lost_wei for one in listed),
    )


def _moved(source: str, sink: str, asset: str, amount: int) -> tuple[Line, ...]:
    return (Line(source, asset, -amount), Line(sink, asset, amount))
