"""What a consumer may believe of a Solana event that it was told: what a quorum calls final counts, as it is."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.local.solana import FINALITY_SLOTS, LAMPORTS_PER_SOL, SolanaNode
from kernel.chain_events import SolanaEvent
from kernel.jsonrpc.quorum import NoQuorum
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.history import ConfirmedTransaction
from kernel.solana.pool import SolanaPool
from kernel.watches.hints import Unsettled
from kernel.watches.hints_solana import LANDS_WITHIN_SLOTS, landed, settled
from tests.chain.evm.liar import Liar, Lie
from tests.chain.solana.transfers import RECEIVER, transfer

pytestmark = pytest.mark.chain
PROGRAMS = ("ComputeBudget111111111111111111111111111111", "11111111111111111111111111111111")


@pytest.fixture
def chain(start_solana: Callable[..., SolanaNode]) -> SolanaNode:
    """A chain that makes blocks only when told to."""
    return start_solana(paused=True)


@pytest.fixture
def payer(chain: SolanaNode) -> LocalSolanaSigner:
    return LocalSolanaSigner(chain.payer_secret[:32])


@pytest.fixture
def pool_of(chain: SolanaNode) -> Iterator[Callable[..., SolanaPool]]:
    """A pool of the node and, beside it, of endpoints that lie as told: `pool_of(method=lie)`."""
    made: list[Any] = []

    def make(**lies: Lie) -> SolanaPool:
        liar = Liar(chain.url, **lies)
        made.append(liar)
        made.append(SolanaPool((chain.url, liar.url), "localnet", genesis_hash=chain.genesis_hash, survey_ttl_s=0.0))
        return made[-1]  # type: ignore[no-any-return]  # what the fixture makes

    yield make
    for one in made:
        one.close()


@pytest.fixture
def pool(pool_of: Callable[..., SolanaPool]) -> SolanaPool:
    return pool_of()


def told(node: SolanaNode, signature: str) -> SolanaEvent:
    """As a webhook tells it, a moment after it landed."""
    return SolanaEvent(
        cluster="localnet", slot=node.slot(), signature=signature, instruction_path="", program="", data=b""
    )


def paid(
    pool: SolanaPool, chain: SolanaNode, payer: LocalSolanaSigner, lamports: int = LAMPORTS_PER_SOL
) -> SolanaEvent:
    """A payment to RECEIVER, in a block."""
    signed = transfer(pool, payer, lamports)
    pool.broadcast(signed.raw)
    chain.mine()
    return told(chain, signed.signature)


def test_a_transaction_is_open_until_it_is_final(chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """Then it is told with what it moved, whatever the webhook said of it."""
    event = paid(pool, chain, payer)
    early = landed(pool, event)
    chain.mine(FINALITY_SLOTS + 1)
    final = landed(pool, replace(event, slot=1, succeeded=False))

    assert early is Unsettled.OPEN
    assert isinstance(final, ConfirmedTransaction)
    assert (final.lamports_moved(RECEIVER), final.error) == (LAMPORTS_PER_SOL, None)
    assert settled(pool, replace(event, slot=1, succeeded=False)) == replace(event, slot=final.slot)
    assert settled(pool, event.retraction()) == replace(event, slot=final.slot)


def test_a_transaction_that_failed_stands_as_failed(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """It moved nothing but its fee."""
    event = paid(pool, chain, payer, lamports=10**18)
    chain.finalize()
    final = settled(pool, event)

    assert isinstance(final, SolanaEvent)
    assert not final.succeeded


def test_what_nobody_knows_is_gone_once_it_can_land_no_more(chain: SolanaNode, pool: SolanaPool) -> None:
    """As long as its blockhash may live, it may still come."""
    event = told(chain, "5" * 87)
    looks = [landed(pool, event)]
    chain.mine(LANDS_WITHIN_SLOTS - 1)
    looks.append(landed(pool, event))
    chain.mine(2)
    looks.append(landed(pool, event))

    assert looks == [Unsettled.OPEN, Unsettled.OPEN, Unsettled.GONE]


def test_an_invented_payment_is_not_believed(
    chain: SolanaNode, pool_of: Callable[..., SolanaPool], payer: LocalSolanaSigner
) -> None:
    """One endpoint of two says that it is final, and that it moved a thousand times as much."""

    def richer(_params: list[Any], found: Any) -> Any:
        return {
            **found,
            "meta": {**found["meta"], "postBalances": [1000 * one for one in found["meta"]["postBalances"]]},
        }

    liar = pool_of(getTransaction=richer)
    event = paid(liar, chain, payer)
    chain.finalize()

    with pytest.raises(NoQuorum):
        landed(liar, event)


def test_a_signature_that_only_one_calls_final_is_open(chain: SolanaNode, pool_of: Callable[..., SolanaPool]) -> None:
    """The other knows nothing of it: neither final nor gone."""

    def invented(params: list[Any], answer: Any) -> Any:
        status = {"slot": 5, "confirmations": None, "err": None, "confirmationStatus": "finalized"}
        return {**answer, "value": [status for _ in params[0]]}

    pool = pool_of(getSignatureStatuses=invented)
    event = told(chain, "5" * 87)
    chain.mine(LANDS_WITHIN_SLOTS + 1)

    assert landed(pool, event) is Unsettled.OPEN


def test_a_node_that_forgot_proves_nothing(chain: SolanaNode, pool_of: Callable[..., SolanaPool]) -> None:
    """Its history begins after the slot that was told: unknown is not gone."""
    pool = pool_of(getFirstAvailableBlock=lambda _params, _told: 10**6)
    event = told(chain, "5" * 87)
    chain.mine(LANDS_WITHIN_SLOTS + 1)

    assert landed(pool, event) is Unsettled.OPEN


def test_what_a_program_said_is_read_again_at_its_place(
    chain: SolanaNode, payer: LocalSolanaSigner, pool_of: Callable[..., SolanaPool]
) -> None:
    """Other contents under a true place are not taken, and a place where nothing was said is gone."""

    def says(_params: list[Any], found: Any) -> Any:
        lines = [f"Program {program} {word}" for program in PROGRAMS for word in ("invoke [1]", "success")]
        lines.insert(3, "Program data: " + base64.b64encode(b"true").decode())
        return {**found, "meta": {**found["meta"], "logMessages": lines}}

    twins = [Liar(chain.url, getTransaction=says) for _ in range(2)]
    pool = SolanaPool([one.url for one in twins], "localnet", genesis_hash=chain.genesis_hash, survey_ttl_s=0.0)
    event = replace(paid(pool_of(), chain, payer), instruction_path="1", program="liar", data=b"false")
    chain.finalize()
    found = settled(pool, event)
    elsewhere = settled(pool, replace(event, ordinal=1))
    pool.close()
    for one in twins:
        one.close()

    assert isinstance(found, SolanaEvent)
    assert (found.program, found.data) == (PROGRAMS[1], b"true")
    assert elsewhere is Unsettled.GONE
