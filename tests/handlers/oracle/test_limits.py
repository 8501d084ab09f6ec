"""How often whom the oracle's API answers: by key and its tier, by session, by address without either."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.oracle import http_ingest, http_prices
from functions.oracle.wiring import Deps
from kernel.auth.principal import Role, Tier
from kernel.handler.http import override_deps
from kernel.testing.asgi import AsgiClient
from kernel.testing.limiter import InMemoryLimiter
from tests.handlers.oracle.provider import pass_time

pytestmark = pytest.mark.handlers

#: Requests a minute, as they are sold.
SOLD = {Tier.INTERNAL: 5_000, Tier.PUBLIC: 1_000, Tier.PAID: 10_000}
VISITORS = 100
LATEST, INGEST = "/prices/latest?symbols=BTC/USD", "/internal/ingest"


@pytest.fixture
def counter(offline: Deps) -> InMemoryLimiter:
    """What counts the requests, at a whole minute."""
    assert isinstance(offline.kernel.limiter, InMemoryLimiter)
    return offline.kernel.limiter


@pytest.fixture
def caller(offline: Deps) -> Callable[[Tier], tuple[AsgiClient, str]]:
    """`caller(tier)`: a reader with a key of that tier, and the identity under which it is counted."""
    override_deps(http_prices.app, offline)
    override_deps(http_ingest.app, offline)

    def call(tier: Tier, app: Any = http_prices.app) -> tuple[AsgiClient, str]:
        issued = offline.kernel.api_keys.issue(tier=tier, role=Role.VIEWER, label="a reader", actor="a test")
        return AsgiClient(app, headers={"X-Api-Key": issued.key}), f"key:{issued.prefix}"

    return call


def spend(counter: InMemoryLimiter, identity: str, amount: int) -> None:
    """So many requests before, of a limit that lets them all in."""
    for _ in range(amount):
        assert counter.check(identity, amount).allowed


@pytest.mark.parametrize("tier", SOLD)
def test_a_key_reads_as_often_as_its_tier_may(caller: Any, counter: InMemoryLimiter, tier: Tier) -> None:
    """The last one of the minute is answered, the next is told when to come back."""
    client, identity = caller(tier)
    spend(counter, identity, SOLD[tier] - 1)

    last, one_too_many = client.get(LATEST), client.get(LATEST)

    assert (200, 429) == (last.status_code, one_too_many.status_code)
    assert ("rate_limited", SOLD[tier]) == (
        one_too_many.json()["error"]["code"],
        one_too_many.json()["error"]["details"]["limit_per_minute"],
    )
    assert 0 < int(one_too_many.headers["Retry-After"]) <= 60


def test_an_administrators_key_has_no_limit(caller: Any, counter: InMemoryLimiter) -> None:
    """It is not even counted."""
    client, identity = caller(Tier.ADMIN)
    spend(counter, identity, SOLD[Tier.PAID])

    assert 200 == client.get(LATEST).status_code


def test_a_worker_stores_as_often_as_an_internal_key_may(caller: Any, counter: InMemoryLimiter) -> None:
    """Counted with what the same key reads; beyond it nothing is read of the body, good or not."""
    client, identity = caller(Tier.INTERNAL, http_ingest.app)
    spend(counter, identity, SOLD[Tier.INTERNAL] - 1)

    bad, one_too_many = client.post(INGEST, json={}), client.post(INGEST, json={})

    assert (400, 429) == (bad.status_code, one_too_many.status_code)


@pytest.mark.parametrize("tier", [Tier.PUBLIC, Tier.PAID])
def test_keys_that_are_sold_store_nothing(caller: Any, counter: InMemoryLimiter, tier: Tier) -> None:
    """And what they are refused costs them nothing of their minute."""
    client, identity = caller(tier, http_ingest.app)

    refused = client.post(INGEST, json={})

    assert (403, "forbidden") == (refused.status_code, refused.json()["error"]["code"])
    assert SOLD[tier] - 1 == counter.check(identity, SOLD[tier]).remaining


def test_two_keys_of_one_tier_do_not_share_their_minute(caller: Any, counter: InMemoryLimiter) -> None:
    """One customer's haste is nobody else's wait."""
    _, hasty = caller(Tier.PUBLIC)
    client, _ = caller(Tier.PUBLIC)
    spend(counter, hasty, SOLD[Tier.PUBLIC])

    assert 200 == client.get(LATEST).status_code


def test_a_minute_later_there_is_room_again(caller: Any, counter: InMemoryLimiter, offline: Deps) -> None:
    """The window slides: what was spent counts less and less through the next minute."""
    client, identity = caller(Tier.PUBLIC)
    spend(counter, identity, SOLD[Tier.PUBLIC])

    pass_time(offline, 60)
    at_its_turn = client.get(LATEST).status_code
    pass_time(offline, 1)

    assert (429, 200) == (at_its_turn, client.get(LATEST).status_code)


def test_a_visitor_is_counted_by_address_and_a_key_is_not(caller: Any, counter: InMemoryLimiter) -> None:
    """Behind one address, who has a key does not wait for those who have none."""
    client, _ = caller(Tier.PUBLIC)
    visitor = AsgiClient(http_prices.app)
    spend(counter, "address:203.0.113.7", VISITORS)

    assert (429, 200) == (visitor.get(LATEST).status_code, client.get(LATEST).status_code)


def test_a_session_reads_as_a_person_may(offline: Deps, counter: InMemoryLimiter) -> None:
    """A token of fifteen minutes, then none: an expired one is refused, not taken for a visitor's."""
    override_deps(http_prices.app, offline)
    token = offline.kernel.tokens.issue("evm:0xabc", role=Role.VIEWER)
    person = AsgiClient(http_prices.app, headers={"Authorization": f"Bearer {token}"})
    spend(counter, "address:203.0.113.7", VISITORS)

    in_time = person.get(LATEST).status_code
    pass_time(offline, 15 * 60 + 1)

    assert (200, 401) == (in_time, person.get(LATEST).status_code)


def test_a_wrong_key_is_refused(caller: Any) -> None:
    """Whoever mistypes is told so, and is not served as a visitor instead."""
    caller(Tier.PUBLIC)
    wrong = AsgiClient(http_prices.app, headers={"X-Api-Key": "cp_" + "A" * 12 + "_" + "B" * 43})

    assert 401 == wrong.get(LATEST).status_code
