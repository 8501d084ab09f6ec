"""What an order would come to before there is one."""

from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.core.fees import fee_wanted_wei
from functions.bridge.core.finality import Depth
from functions.bridge.core.policy import Defer, Drop, Fill, Finality, Reason
from functions.bridge.core.quote import Quote, quote
from tests.unit.bridge.orders import DEPOSIT, ETHER, FINALITY, INVENTORY, LIMITS, MARKET, RECIPIENT

pytestmark = pytest.mark.unit


def quoted(*, fee_wei: int | None = None, amount_wei: int = DEPOSIT.amount_wei, **changes: Any) -> Quote:
    """The quote of the usual order, with some of the market or the finality changed."""
    finality: Finality = changes.pop("finality", FINALITY)
    deposit = replace(DEPOSIT, amount_wei=amount_wei, fee_wei=fee_wei or 0)
    market = replace(MARKET, **changes)
    return quote(deposit, market, LIMITS, INVENTORY, finality, is_fee_given=fee_wei is not None)


def test_the_fee_that_is_wanted_is_the_least_that_is_filled() -> None:
    """One wei less waits for cheaper gas."""
    costs = MARKET.costs()
    assert costs is not None
    wanted = fee_wanted_wei(costs, LIMITS.margin_bps)

    assert (quoted().fee_wanted_wei, quoted().costs) == (wanted, costs)
    assert quoted().decision == quoted(fee_wei=wanted).decision
    assert quoted(fee_wei=wanted).decision == Fill(recipient=RECIPIENT)
    assert isinstance(quoted(fee_wei=wanted - 1).decision, Defer)


def test_a_deposit_that_is_not_there_yet_is_deep_enough() -> None:
    """How deep it must lie is said beside the decision, and is no reason to defer."""
    shallow = replace(FINALITY, depth=Depth(confirmations=0, finalized=False))

    assert isinstance(quoted(finality=shallow).decision, Fill)


def test_the_wait_is_that_of_the_value() -> None:
    """30 dollars: two blocks of two seconds; 30 000: until the origin calls it final."""
    small, large = quoted(), quoted(amount_wei=10 * ETHER)

    assert (small.value_usd_cents, small.confirmations, small.wait_s) == (30_00, 2, 4.0)
    assert (large.value_usd_cents, large.confirmations, large.wait_s) == (30_000_00, None, FINALITY.finality_s)


def test_a_recipient_who_refuses_has_no_fee() -> None:
    """No fee would do."""
    refused = quoted(transfer_gas=None)

    assert (refused.fee_wanted_wei, refused.costs, refused.decision) == (None, None, Drop(reason=Reason.REFUSES))


def test_without_a_price_nobody_knows_the_wait() -> None:
    """Nor is anything filled; the fee does not hang on it."""
    unpriced = quoted(ether_usd_cents=None)

    assert (unpriced.value_usd_cents, unpriced.wait_s) == (None, None)
    assert unpriced.fee_wanted_wei == quoted().fee_wanted_wei
    assert isinstance(unpriced.decision, Defer)
