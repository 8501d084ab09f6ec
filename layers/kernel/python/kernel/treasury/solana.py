"""Owns the treasury's dealings with a Solana cluster: transfers and calls through the outbox, wallets read final."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from kernel.correlation import current
from kernel.jsonrpc.quorum import NoQuorum
from kernel.keys.solana import SolanaAddressInvalid, checked_address
from kernel.outbox.solana import SolanaEntry, SolanaIntent, SolanaOutbox, SolanaPolicy, greatest_limit
from kernel.postgres import Transaction
from kernel.solana.fees import fee_lamports
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import system_transfer
from kernel.treasury.movements import Call, Ending, Order, SolanaCall, State
from kernel.treasury.reconciliation import Books, Sighting
from kernel.treasury.store import Q, books_of
from kernel.treasury.wallets import SERVICE, AddressUnfit, WalletRecord

SUBMIT_KIND: Final = "ops.submit_solana_transaction"


class SolanaDesk:
    """One cluster.

    outboxes: gives the outbox that signs for an address. transfer_units: the compute unit limit of a transfer, so that
    none needs a simulation.
    """

    def __init__(
        self,
        outboxes: Callable[[str], SolanaOutbox],
        pool: SolanaPool,
        policy: SolanaPolicy,
        *,
        cluster: str,
        transfer_units: int,
    ) -> None:
        self._outboxes, self._pool, self._policy = outboxes, pool, policy
        self._cluster, self._transfer_units = cluster, transfer_units

    def address(self, text: str) -> str:
        try:
            return checked_address(text)
        except SolanaAddressInvalid as invalid:
            raise AddressUnfit(chain=self._pool.chain, address=text[:64]) from invalid

    def reserve(self, call: Call | SolanaCall | None = None) -> int:
        asked = None if call is None else _of_solana(call)
        limit = self._transfer_units if asked is None else asked.compute_unit_limit
        price = self._policy.fees.price_cap
        fee = fee_lamports(1, compute_unit_limit=greatest_limit(limit), compute_unit_price=price)
        return fee if asked is None else fee + asked.rent_lamports

    def record(self, tx: Transaction, order: Order) -> UUID:
        call = self._transfer(order) if order.call is None else _of_solana(order.call)
        intent = SolanaIntent(
            business_key=order.business_key,
            service=call.service,
            cluster=self._cluster,
            payer=order.sender,
            instructions=call.instructions,
            lookup_tables=call.lookup_tables,
            compute_unit_limit=call.compute_unit_limit,
            valid_until=call.valid_until,
            submit_kind=call.submit_kind,
            correlation_id=current(),
        )
        return self._outboxes(order.sender).record(tx, intent)

    def _transfer(self, order: Order) -> SolanaCall:
        """A transfer is a call of the system program."""
        return SolanaCall(
            instructions=(system_transfer(order.sender, order.recipient, order.amount),),
            compute_unit_limit=self._transfer_units,
            submit_kind=SUBMIT_KIND,
            service=SERVICE,
        )

    def prepare(self, address: str) -> None:
        """Nothing: a cluster leases nothing."""

    def sight(self, address: str, least_block: int) -> Sighting:
        """Endpoints stand at different slots; where enough of them tell one balance, no slot in between moved it."""
        how = {"commitment": "finalized", "minContextSlot": least_block}
        told = self._pool.everywhere("getBalance", [address, how])
        slots: defaultdict[int, list[int]] = defaultdict(list)
        for answer in told:
            slots[int(answer["value"])].append(int(answer["context"]["slot"]))
        agreed = [balance for balance, seen in slots.items() if len(seen) >= self._pool.needed()]
        if len(agreed) != 1:
            raise NoQuorum(chain=self._pool.chain, method="getBalance", needed=self._pool.needed(), answered=len(told))
        return Sighting(block=max(slots[agreed[0]]), balance=agreed[0])

    def is_quiet(self, tx: Transaction, address: str, sighting: Sighting) -> bool:  # noqa: ARG002 (a slot tells nothing)
        return bool(tx.one(Q["solana_is_quiet"], cluster=self._cluster, address=address)["quiet"])

    def books(self, tx: Transaction, wallet: WalletRecord, sighting: Sighting) -> Books:
        return books_of(tx, Q["solana_books"], wallet, cluster=self._cluster, block=sighting.block)

    def unbooked(self, tx: Transaction, wallet: WalletRecord, limit: int) -> list[Ending]:  # noqa: ARG002 (services settle their own)
        """None: a service that pays with this wallet gives `Treasury.settled` to its outbox."""
        return []


def _of_solana(call: Call | SolanaCall) -> SolanaCall:
    if not isinstance(call, SolanaCall):
        raise ValueError("a call on Solana has instructions")
    return call


def ending_of(entry: SolanaEntry) -> Ending:
    """The end of a settled entry, for `Treasury.settled`."""
    return Ending(
        entry_id=entry.id,
        chain=f"solana:{entry.cluster}",
        payer=entry.payer,
        state=State(str(entry.state)),
        value=entry.spent_lamports or 0,
        fee=entry.fee_lamports or 0,
        block=entry.slot,
        transaction_id=entry.signature,
    )
