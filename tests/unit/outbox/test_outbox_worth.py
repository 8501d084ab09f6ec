"""An effect that is worth only so much to its owner: no block takes it for less, or its raise would cost more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.evm.fees import GWEI
from kernel.outbox.evm.decision import Sighting, Sign, decide
from kernel.outbox.evm.entries import Purpose
from tests.unit.outbox.test_outbox_decision import HEAD, NOW, POLICY, entry, payload, sighting

pytestmark = pytest.mark.unit


def dear(base_fee_gwei: int, **changes: Any) -> Sighting:
    """A chain on which gas costs so much."""
    return sighting(head=replace(HEAD, base_fee_wei=base_fee_gwei * GWEI), **changes)


def test_an_effect_that_no_block_takes_for_what_it_is_worth_is_not_signed() -> None:
    """Its nonce is used by a cancellation, at what a block takes; just below, the effect offers all it is worth."""
    cheap = entry(gas_price_max_wei=20 * GWEI)
    taken = decide(cheap, dear(19), POLICY).step
    refused = decide(cheap, dear(20), POLICY).step

    assert isinstance(taken, Sign)
    assert isinstance(refused, Sign)
    assert (Purpose.EFFECT, 20 * GWEI) == (taken.purpose, taken.fees.max_fee_wei)
    assert (Purpose.CANCELLATION, 42 * GWEI) == (refused.purpose, refused.fees.max_fee_wei)


def test_an_effect_that_would_cost_more_than_it_is_worth_is_cancelled() -> None:
    """Stuck, and the raise is too dear: others wait behind its nonce, and the policy's cap is for them."""
    late = NOW + timedelta(seconds=POLICY.stuck_after_s)
    raised = decide(entry(payload(), gas_price_max_wei=60 * GWEI), dear(20, now=late), POLICY).step
    given_up = decide(entry(payload(), gas_price_max_wei=17 * GWEI), dear(20, now=late), POLICY).step

    assert isinstance(raised, Sign)
    assert isinstance(given_up, Sign)
    assert (Purpose.EFFECT, 42 * GWEI) == (raised.purpose, raised.fees.max_fee_wei)
    assert (Purpose.CANCELLATION, 42 * GWEI) == (given_up.purpose, given_up.fees.max_fee_wei)
