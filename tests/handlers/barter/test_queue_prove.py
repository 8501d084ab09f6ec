"""queue_prove: an attempt is written down, made, checked by others, and only then stored; deaths and refusals count."""

import pytest

from functions.barter.adapters.exchanges import Exchanges, Lists
from functions.barter.adapters.steps import prove
from functions.barter.core.certificate import certify, check
from functions.barter.core.job import Mode, State
from functions.barter.core.journal import direct_seal, journal_of
from functions.barter.core.watch import Trade
from functions.barter.queue_prove import handler
from kernel.jsonrpc.quorum import NoQuorum
from kernel.tasks import TaskSpec
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import HANDLERS, Shop
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.handlers

__all__ = ["moving_node", "open_shop"]

LOOK, PROVE = "barter.advance_phase", "barter.prove"


class Away(Exchanges):
    """The endpoints do not agree about the proof."""

    def refusal(self, *_: object, **__: object) -> str | None:
        """Nobody knows."""
        raise NoQuorum


class Circuit(Exchanges):
    """The exchange has a verifier for sixteen agents."""

    def lists(self, address: str, trade: Trade) -> Lists:
        """With one."""
        told = super().lists(address, trade)
        return Lists(words=told.words, list_max=told.list_max, image_id=b"\7" * 32, circuit_agents=16)


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """The published market, in Trade; a proof is owed."""
    shop = open_shop(len(LISTS), posts_trades=False)
    shop.world.ready(LISTS)
    shop.watch()
    shop.work(LOOK)
    return shop


def test_a_certificate_is_made_checked_and_told(shop: Shop) -> None:
    """Journal and seal are those of the lists that the chain has; who follows the exchange hears of it."""
    shop.work(PROVE)
    job = shop.seen().job

    certificate = certify(LISTS, 16)
    assert HANDLERS[PROVE] is handler
    assert job is not None
    assert (State.COMPLETED, Mode.DIRECT, len(LISTS), 1) == (job.state, job.mode, job.agents, job.attempts)
    assert (journal_of(ALLOCATION), direct_seal(certificate)) == (job.journal, job.seal)
    assert ALLOCATION == check(LISTS, certificate, 16)
    assert [("job", "create"), ("job", "begin"), ("job", "complete")] == shop.history()[2:]
    told = [body["event"] for topic, body in shop.told() if topic == f"barter:{job.address}"]
    assert ["watch_enter", "proof_create", "proof_begin", "proof_complete"] == told


def test_a_proof_is_made_once_whoever_asks_how_often(shop: Shop) -> None:
    """A message that comes twice, and a second task, find it completed."""
    job = shop.seen().job
    assert job is not None
    shop.ask(prove(job.chain_id, job.address, job.id, 99, shop.clock.now()))
    shop.work(PROVE)

    assert [("done", None), ("skipped", "it is completed")] == shop.outcomes(PROVE)
    assert [("job", "begin"), ("job", "complete")] == shop.history()[3:]


def test_endpoints_that_are_away_cost_no_attempt(shop: Shop) -> None:
    """The job goes back to where it was, and is tried until they are there."""
    vars(shop.deps)["exchanges"] = Away(shop.deps.pool)
    for _ in range(7):
        shop.work(PROVE)
        shop.clock.advance(5)
    waiting = shop.seen().job
    shop.restart()
    shop.work(PROVE)
    job = shop.seen().job

    assert waiting is not None
    assert job is not None
    assert (State.CREATED, 0) == (waiting.state, waiting.attempts)
    assert (State.COMPLETED, 1) == (job.state, job.attempts)


def test_a_prover_that_always_dies_is_given_up(shop: Shop) -> None:
    """Each death was an attempt that was written down; after five a person is wanted."""
    shop.change("update barter.jobs set state = 'in_progress', attempts = 5, mode = 'direct'")
    shop.work(PROVE)
    job = shop.seen().job

    assert job is not None
    assert (State.ERRORED, None) == (job.state, job.next_attempt_at)
    assert job.error is not None
    assert "its attempts are used up" in job.error
    assert 1 == shop.deps.following.needing_people()


def test_a_proof_is_asked_for_where_the_exchange_has_a_verifier(shop: Shop) -> None:
    """The arguments are the market's, and the certificate; the job stays in progress until the offloaded one ends."""
    shop.restart(mode="groth16", posts_trades=False)
    vars(shop.deps)["exchanges"] = Circuit(shop.deps.pool)
    shop.work(PROVE)
    job = shop.seen().job
    assert job is not None
    assert job.offload_id is not None
    offloaded = shop.deps.kernel.jobs.job(job.offload_id)

    certificate = certify(LISTS, 16)
    assert (State.IN_PROGRESS, Mode.GROTH16) == (job.state, job.mode)
    assert ("exchange_proof", "ops.poll_offload", PROVE) == (
        offloaded.function,
        offloaded.poll_kind,
        offloaded.then_kind,
    )
    assert [item + 1 for item in ALLOCATION] == offloaded.arguments["allocation"]
    assert list(certificate.labels) == offloaded.arguments["labels"]
    assert (16, len(LISTS), job.trade.block) == tuple(
        offloaded.arguments[name] for name in ("size", "agents", "trade_block")
    )


def test_a_proof_that_nobody_computes_is_asked_for_again(shop: Shop) -> None:
    """The offloaded job failed: its reason is told, and the next attempt is another job."""
    shop.restart(mode="groth16", posts_trades=False)
    vars(shop.deps)["exchanges"] = Circuit(shop.deps.pool)
    shop.work(PROVE)
    first = shop.seen().job
    assert first is not None
    shop.change(
        "update kernel.offload_jobs set state = 'failed', reason = 'a test', ended_at = recorded_at where id = %(id)s",
        id=first.offload_id,
    )
    told = {"job_id": str(first.offload_id)}
    shop.ask(TaskSpec(kind=PROVE, business_key="its end", payload=told, run_at=shop.clock.now()))
    shop.work(PROVE)
    errored = shop.seen().job
    shop.clock.advance(5)
    shop.work(PROVE)
    second = shop.seen().job

    assert errored is not None
    assert second is not None
    assert (State.ERRORED, "the proof was not computed: a test") == (errored.state, errored.error)
    assert (State.IN_PROGRESS, 2) == (second.state, second.attempts)
    assert second.offload_id not in (None, first.offload_id)


def test_a_market_without_a_verifier_is_not_proven_by_force(shop: Shop) -> None:
    """The mode says groth16, and the exchange would take no such proof."""
    shop.restart(mode="groth16", posts_trades=False)
    shop.work(PROVE)
    job = shop.seen().job

    assert job is not None
    assert (State.ERRORED, "the exchange has no verifier for so many agents") == (job.state, job.error)


def test_a_proof_of_a_trade_that_is_gone_is_not_begun(shop: Shop) -> None:
    """The block was taken back since it was asked for; the next look says what is owed then."""
    shop.node.rpc("anvil_reorg", 1, [])
    shop.work(PROVE)
    job = shop.seen().job

    assert job is not None
    assert (State.CREATED, 0) == (job.state, job.attempts)
    assert [("skipped", "trade_gone")] == shop.outcomes(PROVE)
