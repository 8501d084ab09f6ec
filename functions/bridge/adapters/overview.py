"""What is shown of the bridge over HTTP: orders, quotes, what we have, and what we earned. Nothing is decided by it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from functions.bridge.adapters import money_views as money
from functions.bridge.adapters import order_views as views
from functions.bridge.adapters.market import market
from functions.bridge.adapters.reading import Reading, Row, Wanted, cursor_of
from functions.bridge.core import books
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import Deposit, OrderKey, State
from functions.bridge.core.policy import Finality, Inventory
from functions.bridge.core.quote import quote
from kernel.errors import NotFound
from kernel.evm.addresses import checksum
from kernel.trace import NoTrace, Traces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.bridge.adapters.origin import Origin
    from functions.bridge.wiring import Deps
    from kernel.trace import Moment

#: An id that no escrow comes to: a simulated payment must not be one that was made.
_NOBODYS_ID: Final = 2**256 - 1
_NO_HASH: Final = bytes(32)
Balances = dict[tuple[str, str], int]


class NetworkUnknown(NotFound):
    """We serve no such network."""

    cause = "The name is misspelt, or the network is not among the origins of the settings."
    remedy = "Take a name from GET /v1/bridge/orders."
    example = '{"network": "zksnyc"}'


class Overview:
    """Everything that http_bridge answers with."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @cached_property
    def _reading(self) -> Reading:
        return Reading(self._deps.kernel.postgres)

    def orders(self, wanted: Wanted, *, limit: int, cursor: str | None) -> views.Orders:
        """A page of orders. Raises CursorUnfit."""
        page = self._reading.orders(wanted, limit=limit, cursor=cursor)
        following = cursor_of(page[-1]) if len(page) == limit else None
        return views.Orders(orders=[views.order_view(one) for one in page], next_cursor=following)

    def order(self, key: OrderKey, generation: int | None) -> views.OrderStory:
        """One order with its history. Raises OrderUnknown."""
        return views.story_view(self._reading.story(key, generation))

    def trace(self, key: OrderKey, generation: int | None) -> views.OrderTrace:
        """One order with everything that is known of it. Raises OrderUnknown."""
        story, traces = self._reading.story(key, generation), Traces(self._deps.kernel.postgres)
        moments: dict[str, tuple[Moment, ...]] = {}
        for business_key in self._reading.keys_of(story):
            with suppress(NoTrace):
                moments[business_key] = traces.of(business_key).moments
        return views.trace_view(story, moments)

    def quote(self, network: str, amount_wei: int, fee_wei: int | None, recipient: str | None) -> money.QuoteView:
        """What such an order would come to. Raises NetworkUnknown, NoQuorum, RpcUnavailable."""
        deps, origin = self._deps, self._origin(network)
        signer, now = deps.settings.signer, deps.clock.now()
        deposit = Deposit(
            key=OrderKey(network, _NOBODYS_ID),
            recipient=int(recipient or signer, 16),
            amount_wei=amount_wei,
            fee_wei=fee_wei or 0,
            block_number=0,
            block_hash=_NO_HASH,
            transaction_hash=_NO_HASH,
        )
        prices = market(deposit, origin, deps.registry, deps.ether, now, payer=signer)
        found = quote(
            deposit,
            prices,
            deps.limits,
            self._exposed(deposit),
            self._finality(origin),
            is_fee_given=fee_wei is not None,
        )
        return money.quote_view(network, amount_wei, found, now)

    def inventory(self) -> money.Inventory:
        """What we have, what of it is promised, and what comes back."""
        deps, settings = self._deps, self._deps.settings
        wallet, in_transit = _wallet(settings.signer), f"bridge:in_transit:{settings.signer}"
        names = [wallet, in_transit, *self._accounts(), *(_wallet(one.account) for one in deps.origins.values())]
        held, exposed = self._reading.balances(names), self._reading.exposures()
        promised = sum(int(row["amount_wei"] + row["fee_wei"]) for row in exposed if row["state"] == State.PROCESSING)
        balance, floor = held.get((wallet, settings.l1_asset)), deps.limits.balance_floor_wei
        return money.Inventory(
            chain=settings.l1_chain,
            signer=settings.signer,
            balance_wei=money.text(balance),
            in_transit_wei=money.text(held.get((in_transit, settings.l1_asset))),
            promised_wei=str(promised),
            virtual_wei=money.text(balance, -promised),
            floor_wei=str(floor),
            available_wei=None if balance is None else str(max(0, balance - promised - floor)),
            networks=[self._network(one, held, exposed) for one in deps.origins.values()],
        )

    def profit_and_loss(self, since: datetime | None, until: datetime | None) -> money.ProfitAndLoss:
        """What the books say of a span of time; ever, without one."""
        networks = {one.name: one.asset for one in self._deps.origins.values()}
        before: Balances = {} if since is None else self._reading.balances(self._accounts(), since)
        after = self._reading.balances(self._accounts(), until)
        return money.pnl_view(networks, self._deps.settings.l1_asset, before, after, since=since, until=until)

    def rebalances(self, *, limit: int, below: int | None) -> money.Rebalances:
        """Decisions about where our money should be."""
        return money.rebalances_view(self._reading.rebalances(limit=limit, below=below), limit)

    def _network(self, origin: Origin, held: Balances, exposed: Sequence[Row]) -> money.NetworkInventory:
        l1, own = self._deps.settings.l1_asset, [row for row in exposed if row["origin"] == origin.name]
        coming = sum(int(row["amount_wei"] + row["fee_wei"]) for row in own if row["state"] != State.PENDING)
        lost = held.get((books.lost(origin.name), l1), 0)
        balance = held.get((_wallet(origin.account), origin.asset))
        return money.NetworkInventory(
            network=origin.name,
            chain=origin.chain,
            wallet=origin.account,
            balance_wei=money.text(balance),
            owed_wei=str(held.get((books.owed(origin.name), l1), 0)),
            lost_wei=str(lost),
            virtual_wei=str((balance or 0) + coming),
            exposed=[money.exposed_view(row) for row in own],
        )

    def _accounts(self) -> list[str]:
        names = [*self._deps.origins]
        own = (books.FEES, books.MESSAGES, books.REFUNDED, books.EARNED)
        return [*own, *map(books.owed, names), *map(books.lost, names)]

    def _exposed(self, deposit: Deposit) -> Inventory:
        deps = self._deps
        with deps.kernel.postgres.transaction() as tx:
            exposure = deps.orders.exposure(tx, deposit.key.origin, deposit.recipient, deps.posts.l1_chain)
            spendable = deps.posts.spendable_wei(tx, deps.settings.signer)
        return Inventory(
            available_wei=spendable - exposure.promised_wei,
            recipient_open_wei=exposure.recipient_open_wei,
            origin_open_wei=exposure.origin_open_wei,
        )

    def _finality(self, origin: Origin) -> Finality:
        depth = Depth(confirmations=0, finalized=False)
        return Finality(depth=depth, table=origin.table, block_s=origin.block_s, finality_s=origin.finality_s)

    def _origin(self, network: str) -> Origin:
        origin = self._deps.origins.get(network)
        if origin is None:
            raise NetworkUnknown(network=network)
        return origin


def _wallet(address: str) -> str:
    """The account of a wallet of ours. Addresses have one form in the books; those of Starknet are as they are set."""
    return f"bridge:wallet:{checksum(address) if len(address) == 42 else address}"
