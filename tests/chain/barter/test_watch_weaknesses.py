"""What went wrong with exchanges before, each as a test: it does not here."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from functions.barter.adapters.exchanges import Exchanges, Lists
from functions.barter.core.certificate import certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.job import State as JobState
from functions.barter.core.journal import direct_seal, journal_of
from functions.barter.core.watch import State, Trade
from infra.local.barter.world import Phase
from infra.local.flare.transactions import TransactionReverted
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]

LOOK, EVENTS, PROVE = "barter.advance_phase", "barter.exchange_events", "barter.prove"


class Killed(BaseException):
    """The process dies here; no except clause of ours may catch it."""


class Mortal(Exchanges):
    """Whoever asks whether the exchange would take a proof dies over it."""

    def refusal(self, address: str, journal: bytes, seal: bytes, allocation: Sequence[int]) -> str | None:
        """No answer."""
        raise Killed


class Refusing(Exchanges):
    """The exchange takes no proof for a while."""

    def refusal(self, address: str, journal: bytes, seal: bytes, allocation: Sequence[int]) -> str | None:
        """Always the same."""
        return "the exchange refuses it: a test"


class Lying(Exchanges):
    """Tells other lists than the exchange has, as endpoints that conspire would; the verdict is the exchange's own."""

    def lists(self, address: str, trade: Trade) -> Lists:
        """Somebody else's wishes."""
        told = super().lists(address, trade)
        return replace(told, words=told.words[1:] + told.words[:1])


class Empty(Exchanges):
    """Tells that nobody wishes for anything."""

    def lists(self, address: str, trade: Trade) -> Lists:
        """Nothing."""
        told = super().lists(address, trade)
        return replace(told, words=(0,) * len(told.words))


@pytest.fixture
def in_trade(open_shop: OpenShop) -> Shop:
    """The published market, in Trade, and nobody watches it."""
    shop = open_shop(len(LISTS))
    shop.world.ready(LISTS)
    return shop


def meet(shop: Shop, kind: type[Exchanges]) -> None:
    """From now on the container reads exchanges like this."""
    vars(shop.deps)["exchanges"] = kind(shop.deps.pool)


def prove(shop: Shop) -> None:
    """Do what is due about proofs, whether the worker survives or not."""
    try:
        shop.work(PROVE)
    except Killed:
        shop.restart()


def test_in_progress_is_written_before_the_work_begins(in_trade: Shop) -> None:
    """`in_progress` was never written: whoever asks while somebody works is told so."""
    in_trade.watch()
    in_trade.work(LOOK)
    meet(in_trade, Mortal)
    prove(in_trade)

    job = in_trade.seen().job
    assert job is not None
    assert (JobState.IN_PROGRESS, 1) == (job.state, job.attempts)


def test_a_wait_for_a_proof_ends(in_trade: Shop) -> None:
    """There was no timeout off the chain: after more than 250 blocks the watch says so, and ends the phase."""
    in_trade.restart(advances_phases=True, posts_trades=False)
    in_trade.watch()
    in_trade.work(LOOK)
    in_trade.mine(250)
    in_trade.clock.advance(60)
    in_trade.tick("cron_timeouts")
    in_trade.work(LOOK)
    waiting = in_trade.seen().watch.state
    in_trade.mine()
    in_trade.tick("cron_timeouts")
    in_trade.work(LOOK)
    seen = in_trade.seen()
    owners = in_trade.world.owners
    in_trade.live_to(Phase.WITHDRAW)

    assert (State.READY, State.TIMED_OUT) == (waiting, seen.watch.state)
    assert seen.job is not None
    assert (JobState.ERRORED, "timed out: no proof within 250 blocks") == (seen.job.state, seen.job.error)
    assert ["time_out"] == [call.purpose for call in seen.calls]
    assert owners == in_trade.world.owners


def test_a_watch_outlives_every_process(open_shop: OpenShop) -> None:
    """Watches were lost on restart: here each step is taken by a container that knows nothing of the one before."""
    shop = open_shop(len(LISTS))
    shop.world.deposit()
    shop.watch()
    shop.restart()
    shop.end_phase()
    shop.live_to(Phase.RANK)
    shop.restart()
    shop.world.rank(LISTS)
    shop.end_phase()
    shop.live_to(Phase.TRADE)
    shop.restart()
    shop.live_to(Phase.WITHDRAW)

    assert ALLOCATION == [shop.world.owners.index(token.owner.address.lower()) for token in shop.world.tokens]


def test_a_second_watch_is_the_first_one(in_trade: Shop) -> None:
    """A second watch failed: it changes nothing, before a step and after."""
    in_trade.watch()
    in_trade.watch()
    in_trade.work(LOOK)
    before = in_trade.history()
    in_trade.watch()
    in_trade.work(LOOK)

    assert before == in_trade.history()
    assert 1 == len(in_trade.rows("select from barter.watches"))


def test_a_proof_that_failed_is_tried_again(in_trade: Shop) -> None:
    """There was no retry: a prover that dies is replaced, and a failure is told with its reason until it is mended."""
    in_trade.restart(posts_trades=False)
    in_trade.watch()
    in_trade.work(LOOK)
    meet(in_trade, Mortal)
    prove(in_trade)
    meet(in_trade, Refusing)
    in_trade.clock.advance(120)
    in_trade.work(PROVE)
    errored = in_trade.seen().job
    in_trade.restart(posts_trades=False)
    in_trade.clock.advance(60)
    in_trade.work(PROVE)

    job = in_trade.seen().job
    assert errored is not None
    assert job is not None
    assert (JobState.ERRORED, 2) == (errored.state, errored.attempts)
    assert "the exchange refuses it: a test" == errored.error
    assert (JobState.COMPLETED, 3, None) == (job.state, job.attempts, job.error)


def test_an_exchange_that_is_in_trade_already_can_be_watched(in_trade: Shop) -> None:
    """It could not: the watch catches up with the first look."""
    in_trade.watch()
    in_trade.live_to(Phase.WITHDRAW)

    assert ("watch", "watch") == in_trade.history()[0]
    assert ("watch", "enter") == in_trade.history()[1]
    assert ALLOCATION == [in_trade.world.owners.index(token.owner.address.lower()) for token in in_trade.world.tokens]


def test_the_solver_reads_each_list_once() -> None:
    """It was quadratic: an item is read when its list is checked, and once when it is walked over."""
    lengths = [2 * (n - 1) - 1 for n in (50, 500, 5_000)]

    assert [2 * length for length in lengths] == [wishes_read(n) for n in (50, 500, 5_000)]


def test_a_phase_that_a_proof_ends_is_told(in_trade: Shop) -> None:
    """There was no event: the exchange tells that it enters Withdraw, and whoever follows it hears of that."""
    in_trade.restart(posts_trades=False)
    in_trade.watch()
    in_trade.work()
    in_trade.tick("cron_follow_watches")
    in_trade.work(EVENTS)
    proof = in_trade.seen().job
    assert proof is not None
    assert proof.journal is not None
    assert proof.seal is not None
    in_trade.world.reallocate(proof.journal, proof.seal, sender=in_trade.world.tokens[2].owner)
    in_trade.tick("cron_follow_watches")
    heard = in_trade.due(EVENTS)
    in_trade.work(EVENTS)

    facts = in_trade.seen().facts
    assert 1 == len(heard)
    assert facts is not None
    assert Phase.WITHDRAW == Phase(facts.phase)


def test_a_journal_is_always_the_same_bytes(in_trade: Shop) -> None:
    """They were not: another process, and another look at the same lists, make the same journal and the same seal."""
    in_trade.restart(posts_trades=False)
    in_trade.watch()
    in_trade.work()
    first = in_trade.seen().job
    in_trade.change("update barter.jobs set state = 'in_progress', journal = null, seal = null, completed_at = null")
    in_trade.restart(posts_trades=False)
    in_trade.clock.advance(120)
    in_trade.minute()
    in_trade.work()

    again = in_trade.seen().job
    assert first is not None
    assert again is not None
    assert (JobState.COMPLETED, 2) == (again.state, again.attempts)
    assert (first.journal, first.seal) == (again.journal, again.seal)
    assert (journal_of(ALLOCATION), direct_seal(certify(LISTS, 16))) == (first.journal, first.seal)


def test_a_list_names_a_token_once(open_shop: OpenShop) -> None:
    """Duplicates were allowed: the exchange refuses them."""
    shop = open_shop(3)
    shop.world.deposit()
    shop.world.advance(Phase.RANK)

    with pytest.raises(TransactionReverted, match="Duplicate preference token"):
        shop.world.rank([[1, 1], [], []])


@pytest.mark.parametrize("kind", [Lying, Empty])
def test_nothing_is_posted_that_was_not_verified(in_trade: Shop, kind: type[Exchanges]) -> None:
    """It was posted unseen: what the exchange would refuse is not even stored, and nothing is paid for its posting."""
    meet(in_trade, kind)
    in_trade.watch()
    for _ in range(8):
        in_trade.work()
        in_trade.clock.advance(60)

    seen = in_trade.seen()
    assert seen.job is not None
    assert (JobState.ERRORED, 5, None, None) == (
        seen.job.state,
        seen.job.attempts,
        seen.job.seal,
        seen.job.next_attempt_at,
    )
    assert seen.job.error is not None
    assert "Certificate does not hold" in seen.job.error
    assert [] == list(seen.calls)


def wishes_read(agents: int) -> int:
    """How many items the solver reads where each agent wishes for the last one, then for the next."""
    read = 0

    class Wishes(list[int]):
        """A list that counts."""

        def __iter__(self) -> Iterator[int]:
            nonlocal read
            for item in super().__iter__():
                read += 1
                yield item

    chain = [Wishes([agents - 1, agent + 1]) for agent in range(agents - 2)]
    top_trading_cycles([*chain, Wishes([agents - 1]), Wishes()])
    return read
