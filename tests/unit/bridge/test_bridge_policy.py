"""The decision about an order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.fees import CLAIM_GAS, Costs, fee_wanted_wei
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import Order
from functions.bridge.core.policy import Decision, Defer, Drop, Fill, Reason, decide, doubted, patient
from functions.bridge.core.registry import Family, Version
from tests.unit.bridge.orders import DEPOSIT, ETHER, FINALITY, INVENTORY, LIMITS, MARKET, NOW, RECIPIENT, order

pytestmark = pytest.mark.unit

COST_WEI = (60_000 + 140_000) * 10**9 + ETHER // 10_000
FEE_WANTED_WEI = COST_WEI + COST_WEI // 10


def decided(it: Order | None = None, **changes: Any) -> Decision:
    """The decision, with some of what it rests on changed: limits, market, inventory or finality."""
    parts = {"market": MARKET, "limits": LIMITS, "inventory": INVENTORY, "finality": FINALITY}
    for name, change in changes.items():
        parts[name] = replace(parts[name], **change)  # type: ignore[type-var]  # all four are dataclasses
    return decide(it or order(), **parts)  # type: ignore[arg-type]  # by their names


def later(seconds: float, reason: Reason) -> Defer:
    """Decide again after so many seconds."""
    return Defer(until=NOW + timedelta(seconds=seconds), reason=reason)


def test_an_order_that_pays_is_filled() -> None:
    """At no more than its fee."""
    assert Fill(recipient=RECIPIENT) == decided()


@pytest.mark.parametrize("recipient", [0, 1 << 160, 2**256 - 1])
def test_a_recipient_that_is_no_address_is_never_paid(recipient: int) -> None:
    """Nobody, or a felt of Starknet that is wider than an address: cutting it off would pay a stranger."""
    assert Drop(reason=Reason.NO_ADDRESS) == decided(order(recipient=recipient))


def test_a_recipient_with_leading_zero_bytes_is_paid() -> None:
    """All twenty bytes of it."""
    assert "0x000000000000000000000000000000000000dEaD" == getattr(decided(order(recipient=0xDEAD)), "recipient", None)


def test_an_order_of_nothing_is_dropped() -> None:
    """Whatever its fee."""
    assert Drop(reason=Reason.NO_AMOUNT) == decided(order(amount_wei=0))


def test_an_order_above_the_limit_is_dropped() -> None:
    """The limit itself is taken."""
    whole = {"available_wei": 3 * ETHER}
    final = {"depth": Depth(confirmations=1, finalized=True)}

    assert isinstance(decided(order(amount_wei=ETHER), inventory=whole, finality=final), Fill)
    assert Drop(reason=Reason.TOO_LARGE) == decided(order(amount_wei=ETHER + 1), inventory=whole, finality=final)


def test_without_a_price_nothing_is_decided() -> None:
    """Its value says how deep the deposit must lie."""
    assert later(LIMITS.retry_s, Reason.NO_PRICE) == decided(market={"ether_usd_cents": None})


def test_a_shallow_deposit_waits_for_the_blocks_that_are_missing() -> None:
    """$30 need two, $300 four, and above $10 000 the origin's own finality."""
    one = {"depth": Depth(confirmations=1, finalized=False)}

    assert later(2, Reason.NOT_FINAL) == decided(finality=one)
    assert later(6, Reason.NOT_FINAL) == decided(order(amount_wei=ETHER // 10), finality=one)
    assert later(1_200, Reason.NOT_FINAL) == decided(
        order(amount_wei=ETHER), market={"ether_usd_cents": 20_000_00}, finality=one
    )


def test_value_is_rounded_against_us() -> None:
    """A wei above $100 needs four confirmations."""
    hundred_dollars = 100 * ETHER // 3_000

    assert isinstance(decided(order(amount_wei=hundred_dollars)), Fill)
    assert later(4, Reason.NOT_FINAL) == decided(order(amount_wei=hundred_dollars + 1))


def test_too_much_for_one_recipient_waits() -> None:
    """Until claims come in."""
    just = {"recipient_open_wei": LIMITS.recipient_max_wei - DEPOSIT.amount_wei}

    assert isinstance(decided(inventory=just), Fill)
    assert later(60, Reason.RECIPIENT_EXPOSED) == decided(inventory={k: v + 1 for k, v in just.items()})


def test_too_much_owed_by_one_origin_waits() -> None:
    """Its bridge may be slow, or gone."""
    just = {"origin_open_wei": LIMITS.origin_max_wei - DEPOSIT.amount_wei}

    assert isinstance(decided(inventory=just), Fill)
    assert later(60, Reason.ORIGIN_EXPOSED) == decided(inventory={k: v + 1 for k, v in just.items()})


def test_a_recipient_that_refuses_is_dropped() -> None:
    """A contract that reverts: the simulation says so, before any gas is paid."""
    assert Drop(reason=Reason.REFUSES) == decided(market={"transfer_gas": None})


def test_a_recipient_that_burns_gas_is_dropped() -> None:
    """Even if the fee would pay for it."""
    dear = order(fee_wei=ETHER)

    assert isinstance(decided(dear, market={"transfer_gas": LIMITS.transfer_gas_max}), Fill)
    assert Drop(reason=Reason.BURNS_GAS) == decided(dear, market={"transfer_gas": LIMITS.transfer_gas_max + 1})


def test_one_simulation_alone_drops_nothing() -> None:
    """The same must have been seen at a lower block; what is no word of a simulation stands at once."""
    refuses, too_large = Drop(reason=Reason.REFUSES), Drop(reason=Reason.TOO_LARGE)
    seen = replace(MARKET, simulated_block=7)

    assert later(60, Reason.REFUSES) == doubted(refuses, seen, LIMITS, refused_block=None)
    assert later(60, Reason.REFUSES) == doubted(refuses, seen, LIMITS, refused_block=7)
    assert refuses == doubted(refuses, seen, LIMITS, refused_block=6)
    assert later(60, Reason.BURNS_GAS) == doubted(Drop(reason=Reason.BURNS_GAS), seen, LIMITS, refused_block=None)
    assert too_large == doubted(too_large, seen, LIMITS, refused_block=None)
    assert Fill(recipient=RECIPIENT) == doubted(Fill(recipient=RECIPIENT), seen, LIMITS, refused_block=None)


def test_pauses_grow_with_the_wait_but_not_for_blocks() -> None:
    """A quarter of the wait, to five minutes; a deposit lies deep enough when it does."""
    waits = later(60, Reason.INVENTORY)
    ages = [0, 240, 400, 1_200, 86_400]

    assert [60, 60, 100, 300, 300] == [
        (until.until - NOW).total_seconds()
        for age in ages
        if isinstance(until := patient(waits, NOW, NOW - timedelta(seconds=age)), Defer)
    ]
    shallow = later(2, Reason.NOT_FINAL)
    assert shallow == patient(shallow, NOW, NOW - timedelta(days=1))
    assert Drop(reason=Reason.REFUSES) == patient(Drop(reason=Reason.REFUSES), NOW, NOW - timedelta(days=1))


def test_a_fee_below_its_cost_waits_for_cheaper_gas_and_then_no_longer() -> None:
    """Cost and margin, to the wei; then the patience."""
    poor = order(fee_wei=FEE_WANTED_WEI - 1)
    tired = replace(poor, seen_at=NOW - timedelta(seconds=LIMITS.patience_s))

    assert isinstance(decided(order(fee_wei=FEE_WANTED_WEI)), Fill)
    assert later(60, Reason.UNPROFITABLE) == decided(poor)
    assert Drop(reason=Reason.UNPROFITABLE) == decided(tired)


def test_the_floor_of_the_inventory_is_never_spent() -> None:
    """Amount and all costs fit above it, to the wei."""
    just = DEPOSIT.amount_wei + COST_WEI + LIMITS.balance_floor_wei

    assert isinstance(decided(inventory={"available_wei": just}), Fill)
    assert later(60, Reason.INVENTORY) == decided(inventory={"available_wei": just - 1})


@given(
    st.builds(
        order,
        recipient=st.integers(0, 2**161),
        amount_wei=st.integers(0, 2 * ETHER),
        fee_wei=st.integers(0, ETHER // 100),
    ),
    st.integers(0, 3 * ETHER),
    st.integers(0, 6 * ETHER),
    st.one_of(st.none(), st.integers(21_000, 200_000)),
    st.integers(0, 10**12),
)
def test_what_is_filled_keeps_every_limit(
    it: Order, available_wei: int, open_wei: int, transfer_gas: int | None, gas_price_wei: int
) -> None:
    """Whatever comes together."""
    decision = decided(
        it,
        market={"transfer_gas": transfer_gas, "gas_price_wei": gas_price_wei},
        inventory={"available_wei": available_wei, "origin_open_wei": open_wei},
    )

    if isinstance(decision, Fill):
        deposit = it.deposit
        assert 0 < deposit.amount_wei <= min(LIMITS.order_max_wei, LIMITS.origin_max_wei - open_wei)
        assert transfer_gas is not None
        cost_wei = gas_price_wei * (transfer_gas + MARKET.claim_gas) + MARKET.message_fee_wei
        assert cost_wei < deposit.fee_wei
        assert deposit.amount_wei + cost_wei + LIMITS.balance_floor_wei <= available_wei
        assert deposit.recipient == int(decision.recipient, 16)


def test_costs_add_up() -> None:
    """Gas of both transactions, and the message; the margin is rounded up."""
    costs = Costs(gas_price_wei=3, transfer_gas=50_000, claim_gas=90_001, message_fee_wei=7)

    assert (150_000, 420_010) == (costs.transfer_wei, costs.total_wei)
    assert (420_010, 420_010 + 43) == (fee_wanted_wei(costs, 0), fee_wanted_wei(costs, 1))


def test_the_measured_gas_of_claims() -> None:
    """As published for each registry."""
    assert (86_139, 94_642, 143_785) == (
        CLAIM_GAS[Version.V1, Family.STARKNET],
        CLAIM_GAS[Version.V2, Family.STARKNET],
        CLAIM_GAS[Version.V2, Family.ZKSYNC],
    )


def test_a_wallet_of_ours_is_never_paid() -> None:
    """The money would come back to books that could not explain it."""
    ours = replace(INVENTORY, is_recipient_ours=True)

    assert Drop(reason=Reason.OURSELVES) == decide(order(), MARKET, LIMITS, ours, FINALITY)
