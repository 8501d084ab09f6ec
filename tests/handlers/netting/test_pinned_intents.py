"""Intents are pinned as they were signed: each once, and a bid again when the seller has taken it up."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.netting.adapters.pinned_intents import PinnedIntents
from kernel.pinning import StoreUnavailable
from kernel.testing.kernel import FakedKernel
from tests.handlers.netting.stall import SELLER, Stall, countersigned

pytestmark = pytest.mark.handlers


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """A deployment, and nothing done yet."""
    with Stall.open(database_url) as stall:
        yield stall


def pins(stall: Stall) -> list[dict[str, Any]]:
    """The content of every pin, the oldest first."""
    keys = stall.rows("select business_key from kernel.pins where business_key like 'netting:%%' order by created_at")
    return [json.loads(stall.faked.pinning.read(row["business_key"]).plain) for row in keys]


def test_what_is_pinned_is_what_was_signed(stall: Stall) -> None:
    """In the published form, compressed; whoever has it can check every signature."""
    bodies = [stall.intent("TRADE").signed(), stall.intent().signed()]
    stall.send(*bodies)

    assert 2 == stall.deps.pinned_intents.pin()
    (pin,) = pins(stall)
    by_id = {one["id"]: one for one in pin["intents"]}
    assert {body["id"]: body for body in bodies} == by_id
    assert (stall.now_ms, "1.0") == (pin["timestamp"], pin["version"])
    assert [{"encoding": "gzip"}] == stall.rows("select encoding from kernel.pins")


def test_each_is_pinned_once(stall: Stall) -> None:
    """Also by batches that are full, and where nothing is left."""
    bodies = [stall.intent().signed() for _ in range(5)]
    stall.send(*bodies)
    pinned = PinnedIntents(stall.deps.kernel.postgres, stall.faked.pinning, stall.clock, most=2)

    assert (5, 0) == (pinned.pin(), pinned.pin())
    assert [2, 2, 1] == [len(pin["intents"]) for pin in pins(stall)]
    assert {body["id"] for body in bodies} == {one["id"] for pin in pins(stall) for one in pin["intents"]}
    marked = stall.rows("select distinct pinned_in from netting.intents")
    assert {row["pinned_in"] for row in marked} == {
        row["business_key"] for row in stall.rows("select business_key from kernel.pins")
    }


def test_a_bid_that_is_taken_up_is_pinned_with_the_sellers_word(stall: Stall) -> None:
    """The first pin has what the buyer signed, the second what both did."""
    body = stall.intent().signed()
    stall.send(body)
    stall.deps.pinned_intents.pin()
    full = countersigned(body, SELLER.session)
    word = {name: full[name] for name in ("counterSignature", "counterSessionPubkey")}
    stall.post(f"/v1/netting/intents/{body['id']}/counter-signature", word)
    stall.clock.advance(1)

    stall.deps.pinned_intents.pin()

    assert [[body], [full]] == [pin["intents"] for pin in pins(stall)]


def test_two_that_pin_at_once_leave_one_pin(stall: Stall, database_url: str) -> None:
    """The slower one finds everything marked, and records nothing."""
    stall.send(stall.intent().signed())
    other = FakedKernel(database_url, clock=stall.clock)

    class Slow(PinnedIntents):
        """Overtaken between the bucket and the row."""

        def _pinned(self, rows: Any) -> int:
            stall.deps.pinned_intents.pin()
            return super()._pinned(rows)

    assert 0 == Slow(other.postgres, other.pinning, stall.clock).pin()
    assert 1 == len(stall.rows("select 1 from kernel.pins"))
    other.close()


def test_without_the_bucket_intents_wait_for_the_next_turn(stall: Stall) -> None:
    """Nothing is marked that nobody can read."""
    stall.send(stall.intent().signed())
    stall.faked.kept.failure = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        stall.deps.pinned_intents.pin()
    stall.faked.kept.failure = None

    assert 1 == stall.deps.pinned_intents.pin()
