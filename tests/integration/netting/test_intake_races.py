"""Several containers take intents in at one moment: no volume, nonce or id is used twice, nobody waits in a ring.

Each container has a connection of its own; what they post is signed and checked as over HTTP.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from functions.netting.adapters.intent_views import CounterSignature, IntentBody
from functions.netting.adapters.volumes import release
from functions.netting.wiring import ROLE
from infra.local.netting.wallets import Wallet
from kernel.errors import CounterpartError
from kernel.ratelimit import UpstashLimiter
from kernel.testing.kernel import FakedKernel
from kernel.upstash import Upstash
from tests.handlers.netting.stall import ADDRESS, BUYER, OTHER, SELLER, SOL, Stall, countersigned
from tests.handlers.netting.test_http_listings import withdrawal
from tests.races import at_once

pytestmark = pytest.mark.integration
CONTAINERS = 6
Body = Mapping[str, Any]


@pytest.fixture
def stalls(database_url: str) -> Iterator[list[Stall]]:
    """Containers of one deployment."""
    with ExitStack() as stack:
        first = stack.enter_context(Stall.open(database_url))
        yield [first, *(stack.enter_context(another(database_url, first)) for _ in range(CONTAINERS - 1))]


class another(ExitStack):  # noqa: N801 (a context manager, read as one)
    """A further container at the same moment."""

    def __init__(self, database_url: str, first: Stall) -> None:
        super().__init__()
        self.stall = Stall(database_url)
        self.stall.clock.set(first.clock.now())
        self.callback(self.stall.close)

    def __enter__(self) -> Stall:  # type: ignore[override]  # a container, not the stack that closes it
        super().__enter__()
        return self.stall


def outcomes(stalls: Sequence[Stall], posts: Sequence[Sequence[Body]]) -> list[list[str]]:
    """What each container answers, all posting at once: states and codes."""

    def take(turn: tuple[Stall, Sequence[Body]]) -> list[str]:
        stall, bodies = turn
        told = stall.deps.intake.take([IntentBody.model_validate(body) for body in bodies])
        return [one.code or str(one.state) for one in told.outcomes]

    return at_once(list(zip(stalls, posts, strict=True)), take)


def reserved(stall: Stall) -> dict[str, int]:
    """Of each session that has some: the volume that it has used."""
    found = stall.rows("select key, used_volume_lamports from netting.session_keys where used_volume_lamports > 0")
    return {row["key"]: row["used_volume_lamports"] for row in found}


def standing(stall: Stall) -> dict[str, int]:
    """Of each paying session: the sum of the intents that were not dropped."""
    payer = "case when kind = 'TRADE' then counter_session else session end"
    live = (
        f"select {payer} as key, sum(amount_lamports) as sum from netting.intents where state <> 'dropped' group by 1"
    )
    return {row["key"]: int(row["sum"]) for row in stall.rows(live)}


def test_a_session_never_spends_more_than_its_volume(stalls: list[Stall]) -> None:
    """Sixty bids of which twenty-five fit, from six containers: exactly those are taken."""
    first = stalls[0]
    spare = Wallet.named("spare")
    first.session(spare, max_volume_lamports=25)
    posts = [
        [first.intent(buyer=spare, nonce=10 * at + n, amount_lamports=1).signed() for n in range(10)]
        for at in range(CONTAINERS)
    ]

    told = Counter(one for some in outcomes(stalls, posts) for one in some)

    assert Counter(offered=25, volume_exceeded=35) == told
    assert {spare.session.address: 25} == reserved(first) == standing(first)


def test_the_same_intents_from_everywhere_are_taken_once(stalls: list[Stall]) -> None:
    """In whatever order; every container answers that they are in."""
    bodies = [stalls[0].intent("TRADE").signed() for _ in range(20)]
    posts = [Random(at).sample(bodies, len(bodies)) for at in range(CONTAINERS)]

    told = {one for some in outcomes(stalls, posts) for one in some}

    assert {"pending"} == told
    assert sorted(body["id"] for body in bodies) == sorted(stalls[0].stored())
    assert {BUYER.session.address: 20 * SOL} == reserved(stalls[0])


def test_a_nonce_is_good_for_one_of_many(stalls: list[Stall]) -> None:
    """Different intents under one nonce, all at once."""
    posts = [[stalls[0].intent(nonce=1).signed()] for _ in stalls]

    told = Counter(one for some in outcomes(stalls, posts) for one in some)

    assert Counter(offered=1, nonce_used=CONTAINERS - 1) == told
    assert {BUYER.session.address: SOL} == reserved(stalls[0])


def test_ids_that_two_want_in_opposite_order_are_one_ones_each(stalls: list[Stall]) -> None:
    """No ring of requests that wait for each other, and no charge for what somebody else has."""
    first = stalls[0]
    bidders = [Wallet.named(f"bidder {at}") for at in range(CONTAINERS)]
    ids = [first.pen.ulid(first.now_ms) for _ in range(20)]
    posts = []
    for at, bidder in enumerate(bidders):
        first.session(bidder)
        order = ids if at % 2 else ids[::-1]
        posts.append([first.intent(id=one, buyer=bidder, nonce=n).signed() for n, one in enumerate(order)])

    told = Counter(one for some in outcomes(stalls, posts) for one in some)

    assert Counter(offered=20, id_used=20 * (CONTAINERS - 1)) == told
    assert sorted(ids) == sorted(first.stored())
    assert reserved(first) == standing(first)


def test_no_purchase_outlives_the_ask_that_it_races(stalls: list[Stall]) -> None:
    """Withdrawn while five containers buy: what waits is dropped, what comes later refused, and all volume free."""
    first = stalls[0]
    for turn in range(5):
        listing = first.listed()
        word = withdrawal(listing.id)["signature"]
        posts = [
            [first.intent("BUY_NOW", listing_id=listing.id, amount_lamports=SOL).signed() for _ in range(3)]
            for _ in stalls[1:]
        ]

        def act(at: int, posts: Sequence[Sequence[Body]] = posts, listing: str = listing.id, word: str = word) -> None:
            if at == 0:
                first.deps.listings.withdraw(listing, word)
            else:
                stalls[at].deps.intake.take([IntentBody.model_validate(body) for body in posts[at - 1]])

        at_once(range(CONTAINERS), act)

        waiting = first.rows("select 1 from netting.intents where state = 'pending'")
        assert ([], {}, {}) == (waiting, reserved(first), standing(first)), turn


def test_a_bid_is_taken_up_once(stalls: list[Stall]) -> None:
    """By one of the seller's sessions, whichever is first."""
    first = stalls[0]
    body = first.intent().signed()
    first.send(body)
    keys = [Wallet.named(f"key {at}").session for at in range(CONTAINERS)]
    for one in keys:
        first.session(SELLER, key=one.address)

    def take_up(at: int) -> str:
        full = countersigned(body, keys[at])
        word = CounterSignature.model_validate({name: full[name] for name in full if name.startswith("counter")})
        return _code(lambda: stalls[at].deps.offers.take_up(body["id"], word))

    assert Counter(offer_ended=CONTAINERS - 1, taken=1) == Counter(at_once(range(CONTAINERS), take_up))


def test_volume_that_comes_back_meets_volume_that_is_taken(stalls: list[Stall]) -> None:
    """Drops and new bids of the same two sessions at once: in the end each has used what stands of it."""
    first = stalls[0]
    old = [first.intent("TRADE", buyer=buyer).signed() for buyer in (BUYER, OTHER) for _ in range(30)]
    first.send(*old)
    posts = [[first.intent("TRADE", buyer=buyer).signed() for buyer in (BUYER, OTHER) for _ in range(5)] for _ in "abc"]

    def act(at: int) -> None:
        if at < len(posts):
            stalls[at].deps.intake.take([IntentBody.model_validate(body) for body in posts[at]])
            return
        ids = [body["id"] for body in old[at::CONTAINERS]]
        with stalls[at].deps.kernel.postgres.transaction() as tx:
            drop = "update netting.intents set state = 'dropped', reason = 'not_owner' where id = any (%(ids)s)"
            tx.execute(f"{drop} and state = 'pending'", ids=ids)
            release(tx, ids)

    at_once(range(CONTAINERS), act)

    assert 60 + 30 == len(first.stored())
    assert reserved(first) == standing(first)


def test_redis_counts_an_addresss_requests_of_a_second(database_url: str, upstash: Upstash) -> None:
    """The real one, where a hundred of this address came in each of the seconds around now; of another, none."""
    second = int(time.time())
    keys = [f"ratelimit-second:address:{ADDRESS}:{second + passed}" for passed in range(60)]
    upstash.ask(lambda redis: redis.mset(dict.fromkeys(keys, 100)))
    stall = _with_limiter(database_url, upstash)

    full, free = (stall.post("/v1/netting/intents", {}, address=address) for address in (ADDRESS, "203.0.113.8"))
    stall.close()

    assert (429, 100) == (full[0], full[1]["error"]["details"]["limit_per_second"])
    assert 400 == free[0]


def test_without_redis_nothing_is_written(database_url: str, upstash_away: Upstash) -> None:
    """503, with the time after which to come again."""
    stall = _with_limiter(database_url, upstash_away)
    status, answer = stall.post("/v1/netting/intents", stall.intent().signed())
    rows = stall.stored()
    stall.close()

    assert (503, "rate_limit_unavailable", []) == (status, answer["error"]["code"], rows)


def _with_limiter(database_url: str, upstash: Upstash) -> Stall:
    kernel = FakedKernel(database_url, role=ROLE)
    kernel._limiter = UpstashLimiter(upstash)
    return Stall(database_url, kernel)


def _code(act: Callable[[], Any]) -> str:
    try:
        act()
    except CounterpartError as refused:
        return refused.code
    return "taken"
