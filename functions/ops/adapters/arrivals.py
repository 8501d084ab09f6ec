"""Takes what webhooks and cursors tell of inlets: the chain is read again, and what is final there is booked.

An event and its retraction are two tasks, and both end by the same rule: with the deposit where the event stands,
without one where it is gone for good. Until then they look again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from functions.ops.adapters.chains import Chains
from functions.ops.adapters.news import News
from functions.ops.core.deposits import key_of, logged, moved, place_of
from kernel.chain_events import EvmEvent, SolanaEvent, StarknetEvent, ToldEvent
from kernel.errors import Transient
from kernel.evm.blocks import hexadecimal
from kernel.tasks import Done, Outcome, Retry, Skipped
from kernel.treasury.deposits import DEPOSITED, Deposits, Taken
from kernel.treasury.inlets import Deposit, InletRecord
from kernel.watches.hints import Unsettled

logger = logging.getLogger(__name__)

KIND: Final = "ops.take_deposit"
WAIT_S: Final = 30.0
#: Of the minute that all cursors together have.
FOLLOW_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class ToldArrival(ToldEvent):
    """The payload: an event of an inlet's chain."""

    @property
    def told(self) -> EvmEvent | SolanaEvent:
        """What happened, as it was told. Raises ValueError for an event of a chain on which there are no wallets."""
        told = self.delivery.event
        if isinstance(told, StarknetEvent):
            raise ValueError("no wallet of ours is on Starknet")
        return told


@dataclass(frozen=True, slots=True)
class Away:
    """The chain cannot be read now."""

    code: str


Found = list[Deposit] | Unsettled | Away


class Arrivals:
    """What comes in."""

    def __init__(self, chains: Chains, deposits: Deposits, news: News) -> None:
        self._chains, self._deposits, self._news = chains, deposits, news

    def look(self, told: EvmEvent | SolanaEvent) -> Found:
        """What the final chain says that the event brought; an empty list where it brought nothing to any inlet."""
        try:
            return self._log(told) if isinstance(told, EvmEvent) else self._transaction(told)
        except Transient as away:
            return Away(away.code)

    def take(self, told: EvmEvent | SolanaEvent, found: Found) -> Outcome:
        """Book and forward what came; of an event that is gone for good, tell that."""
        match found:
            case Away(code):
                return Retry(self._chains.poll_s(_chain(told)), f"the chain cannot be read: {code}")
            case Unsettled.OPEN:
                return Retry(self._chains.poll_s(_chain(told)), "the event is not final")
            case Unsettled.GONE:
                self._news.gone(place_of(told), _chain(told))
                return Skipped("another history is final: it never happened")
            case list():
                return self._take(found)
        assert_never(found)

    def follow(self) -> None:
        """A turn of each inlet's cursor. One whose chain cannot be read waits for the next minute."""
        inlets = [inlet for inlet in self._deposits.inlets() if inlet.chain in self._chains]
        for inlet in inlets:
            try:
                self._chains.advance(self._deposits.watch_of(inlet), FOLLOW_S / len(inlets))
            except Transient as away:
                logger.warning("A cursor waits.", extra={"watch": inlet.watch, "code": away.code})

    def _take(self, deposits: list[Deposit]) -> Outcome:
        taken = {one.key: self._deposits.take(one, self._news.booked) for one in deposits}
        waiting = {Taken.NOT_OPEN, Taken.WAITS} & set(taken.values())
        if waiting:
            return Retry(WAIT_S, ", ".join(sorted(waiting)))
        return Done(taken) if taken else Skipped("it brought nothing to any inlet")

    def _log(self, told: EvmEvent) -> Found:
        event = self._chains.settled(told)
        if isinstance(event, Unsettled):
            return event
        inlets = self._deposits.inlets_at(_chain(event), [event.address])
        brought = [(inlet, logged(event, DEPOSITED, inlet.wallet)) for inlet in inlets]
        return _deposits(event, brought, event.block_number, hexadecimal(event.transaction_hash))

    def _transaction(self, told: SolanaEvent) -> Found:
        transaction = self._chains.landed(told)
        if isinstance(transaction, Unsettled):
            return transaction
        if transaction.error is not None:
            return []
        inlets = self._deposits.inlets_at(_chain(told), list(transaction.lamports))
        brought = [
            (inlet, moved(transaction.lamports, inlet.wallet))
            for inlet in inlets
            if not self._deposits.is_own_transfer(transaction.signature, inlet.wallet)
        ]
        return _deposits(told, brought, transaction.slot, transaction.signature)


def _deposits(
    event: EvmEvent | SolanaEvent, brought: Sequence[tuple[InletRecord, int]], block: int, transaction_id: str
) -> list[Deposit]:
    """What came to each inlet; nothing is no deposit, nor is what came before the inlet was declared."""
    return [
        Deposit(
            key=key_of(event, inlet.wallet),
            event=place_of(event),
            chain=inlet.chain,
            wallet=inlet.wallet,
            amount=amount,
            block=block,
            transaction_id=transaction_id,
            forward_to=inlet.onward(amount),
        )
        for inlet, amount in brought
        if amount > 0 and block >= inlet.start_block
    ]


def _chain(event: EvmEvent | SolanaEvent) -> str:
    return f"evm:{event.chain_id}" if isinstance(event, EvmEvent) else f"solana:{event.cluster}"
