"""Orders for the bridge's tests: one that is filled as it is, to be changed at one place each."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from functions.bridge.core.finality import FLOOR, Depth
from functions.bridge.core.order import Deposit, Order, OrderKey, State
from functions.bridge.core.policy import Finality, Inventory, Limits, Market

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ETHER = 10**18
GWEI = 10**9
RECIPIENT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"

DEPOSIT = Deposit(
    key=OrderKey("zksync", 17),
    recipient=int(RECIPIENT, 16),
    amount_wei=ETHER // 100,
    fee_wei=ETHER // 1_000,
    block_number=1_000,
    block_hash=b"\1" * 32,
    transaction_hash=b"\2" * 32,
)
MARKET = Market(
    now=NOW,
    ether_usd_cents=3_000_00,
    gas_price_wei=GWEI,
    transfer_gas=60_000,
    claim_gas=140_000,
    message_fee_wei=ETHER // 10_000,
)
LIMITS = Limits(
    order_max_wei=ETHER,
    recipient_max_wei=ETHER,
    origin_max_wei=5 * ETHER,
    balance_floor_wei=ETHER // 10,
    transfer_gas_max=100_000,
    margin_bps=1_000,
    patience_s=3_600,
    retry_s=60,
)
INVENTORY = Inventory(available_wei=2 * ETHER, recipient_open_wei=0, origin_open_wei=0)
FINALITY = Finality(depth=Depth(confirmations=2, finalized=False), table=FLOOR, block_s=2.0, finality_s=1_200.0)


def order(**changes: Any) -> Order:
    """A pending order whose deposit differs from `DEPOSIT` in these fields."""
    return Order(deposit=replace(DEPOSIT, **changes), state=State.PENDING, seen_at=NOW)
