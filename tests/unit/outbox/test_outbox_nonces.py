"""Nonces that others use or leave: what an entry makes of them."""

from datetime import timedelta

import pytest

from kernel.evm.refusals import Refusal
from kernel.outbox.evm.decision import Wait, decide, ends_without_its_nonce, settling_events
from kernel.outbox.evm.entries import OutboxEntry, Purpose
from kernel.outbox.evm.lifecycle import Event
from tests.unit.outbox.test_outbox_decision import NOW, POLICY, entry, payload, receipt, sighting

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("succeeded", "end"), [(True, Event.CONFIRM), (False, Event.REVERT)])
@pytest.mark.parametrize("signed", [True, False])
def test_the_receipt_of_another_wallets_transaction_ends_the_entry(signed: bool, succeeded: bool, end: Event) -> None:
    """Its hash is none of ours, so the entry adopts it; it may never have been signed by us."""
    subject = entry(payload(purpose=Purpose.CANCELLATION)) if signed else entry()
    found = receipt(95, of=payload(9), succeeded=succeeded)[payload(9).hash]

    assert settling_events(subject, found) == (Event.ADOPT, end)


@pytest.mark.parametrize(
    ("alarm", "alarmed_s", "fillable", "fill"),
    [
        ("nonce_gap", 30, True, 2),
        ("nonce_gap", 29, True, None),  # not old enough
        ("nonce_gap", 300, False, None),  # a filler is on its way
        ("unfunded", 300, True, None),  # how long the gap is there is not known
    ],
)
def test_a_gap_is_filled_when_its_alarm_is_old(alarm: str, alarmed_s: int, fillable: bool, fill: int | None) -> None:
    """As old as a stuck transaction, and only while nobody fills it; the entry's own step is what it would be."""
    subject = entry(payload(), alarm=alarm, alarmed_at=NOW - timedelta(seconds=alarmed_s))
    plan = decide(subject, sighting(nonces_used=2, gap=True, fillable=fillable, known=True), POLICY)

    assert (plan.fill, plan.step) == (fill, Wait())


@pytest.mark.parametrize(
    ("subject", "ends"),
    [
        (entry(payload()), False),
        (entry(), False),
        (entry(payload(), service="kernel"), True),  # all that it owed was the use of its nonce
        (entry(service="kernel"), True),
        (entry(payload(), valid_until=NOW), True),
        (entry(valid_until=NOW), True),
        (entry(payload(refusal=Refusal.UNACCEPTABLE, accepted_at=None)), True),
    ],
)
def test_what_is_left_of_an_entry_whose_nonce_is_lost(subject: OutboxEntry, ends: bool) -> None:
    """An obligation that is still wanted leases again; anything else is over."""
    assert ends_without_its_nonce(subject, NOW) == ends
