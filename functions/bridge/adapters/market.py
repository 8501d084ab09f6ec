"""Gathers what a decision rests on: prices of ether, gas and messages, and a simulated payment."""

from datetime import datetime
from typing import Final, Protocol

from functions.bridge.adapters.origin import Origin
from functions.bridge.adapters.registry import Registry
from functions.bridge.core.estimates import usd_cents
from functions.bridge.core.fees import CLAIM_GAS
from functions.bridge.core.order import Deposit
from functions.bridge.core.policy import Market
from functions.bridge.core.registry import Payment
from kernel.abi import WordMalformed, address_of_word
from kernel.postgres import Postgres
from kernel.prices import Limits, Prices, PriceUnusable

SYMBOL: Final = "ETH/USD"
#: Value only says how deep a deposit must lie, so a price may be some rounds old, and a little wide.
LIMITS: Final = Limits(age_max_s=900, width_max_bps=200)


class Ether(Protocol):
    """What one ether is worth."""

    def usd_cents(self) -> int | None:
        """At most so much; None without a usable price."""
        ...


class EtherPrice:
    """The oracle's price of ether."""

    def __init__(self, postgres: Postgres, limits: Limits = LIMITS) -> None:
        self._postgres, self._prices = postgres, Prices(limits)

    def usd_cents(self) -> int | None:
        """At most so much, its uncertainty added; None without a usable price."""
        try:
            with self._postgres.transaction() as tx:
                price = self._prices.of(tx, SYMBOL)
        except PriceUnusable:
            return None
        return usd_cents(price.price, price.confidence, price.decimals)


def payment_of(deposit: Deposit, origin: Origin) -> Payment | None:
    """The payment that fills an order; None where its recipient is no address."""
    try:
        recipient = address_of_word(deposit.recipient)
    except WordMalformed:
        return None
    return Payment(
        order_id=deposit.key.order_id,
        recipient=recipient,
        amount_wei=deposit.amount_wei,
        chain=origin.registry_chain,
    )


def market(deposit: Deposit, origin: Origin, registry: Registry, prices: Ether, now: datetime, *, payer: str) -> Market:
    """What was read of the world for this order, paid by `payer`. Nothing is read where the recipient is no address.

    Raises NoQuorum, RpcUnavailable, WrongChain.
    """
    payment = payment_of(deposit, origin)
    if payment is None:
        return Market(now=now, ether_usd_cents=None, gas_price_wei=0, transfer_gas=None, claim_gas=0, message_fee_wei=0)
    simulated = registry.transfer_gas(payment, payer)
    return Market(
        now=now,
        ether_usd_cents=prices.usd_cents(),
        gas_price_wei=registry.gas_price_wei(),
        transfer_gas=simulated.gas,
        simulated_block=simulated.block,
        claim_gas=CLAIM_GAS[registry.version, origin.family],
        message_fee_wei=origin.message_fee_wei([payment]),
    )
