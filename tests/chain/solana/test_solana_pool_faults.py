"""What Solana's endpoints do wrong: away, behind, lying, forgetful, of another cluster."""

import pytest

from infra.local.fault_proxy import FaultProxy
from infra.local.solana import BLOCKHASH_BLOCKS, SolanaNode
from kernel.errors import WrongChain
from kernel.jsonrpc.quorum import NoQuorum
from kernel.jsonrpc.standings import Standing
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.agreement import LEAD_BLOCKS_MAX
from kernel.solana.pool import GENESIS_HASHES, SolanaPool
from kernel.solana.refusals import Refusal
from kernel.solana.statuses import Confirmation
from tests.chain.solana.transfers import RECEIVER, transfer

pytestmark = pytest.mark.chain


@pytest.fixture
def proxy(chain: SolanaNode) -> FaultProxy:
    """The two identities, whose faults a test switches."""
    assert chain.proxy is not None
    return chain.proxy


def standing(pool: SolanaPool) -> list[Standing]:
    """What the pool thinks of its endpoints after a new look."""
    pool.check()
    return [standing for _, standing in pool.standings()]


def confirmation(pool: SolanaPool, signature: str) -> Confirmation | None:
    """How sure a quorum is of a signature."""
    (status,) = pool.agreed_statuses([signature])
    return None if status is None else status.confirmation


def test_an_endpoint_that_stands_still_is_not_read_from(chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool) -> None:
    """It falls behind and is left out, and is back when it has caught up."""
    proxy["primary"].inject(stale_slot=chain.slot())
    chain.mine(60)
    behind, height = standing(pool), pool.height("processed")
    proxy["primary"].heal()

    assert [Standing.DEGRADED, Standing.ACTIVE] == behind
    assert chain.height() == height
    assert [Standing.ACTIVE, Standing.ACTIVE] == standing(pool)


def test_an_endpoint_of_another_cluster_is_never_used(proxy: FaultProxy, pool: SolanaPool) -> None:
    """It names another genesis: no read, no broadcast."""
    proxy["primary"].inject(genesis_hash=GENESIS_HASHES["devnet"])
    before = proxy["primary"].calls()["sendTransaction"]
    deliveries = pool.broadcast(b"\x00")

    assert Standing.WRONG_CHAIN == standing(pool)[0]
    assert (1, before) == (len(deliveries), proxy["primary"].calls()["sendTransaction"])


def test_endpoints_that_are_all_of_another_cluster_are_told_at_the_start(chain: SolanaNode) -> None:
    """A local chain is not the main network."""
    pool = SolanaPool(chain.proxy_urls, "mainnet")

    with pytest.raises(WrongChain):
        pool.check()
    pool.close()


def test_a_public_cluster_is_not_taken_for_a_local_one(chain: SolanaNode, proxy: FaultProxy) -> None:
    """Without a genesis hash `localnet` takes any cluster but the public ones."""
    proxy["primary"].inject(genesis_hash=GENESIS_HASHES["mainnet"])
    pool = SolanaPool(chain.proxy_urls, "localnet")

    assert [Standing.WRONG_CHAIN, Standing.ACTIVE] == standing(pool)
    pool.close()


def test_the_lowest_height_counts(chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool) -> None:
    """An endpoint that lies ahead makes no blockhash look expired; one that lies low only delays."""
    chain.mine(40)
    height = chain.height("finalized")
    with proxy["primary"].injected(height_offset=30):
        high = pool.agreed_height_floor()
    with proxy["primary"].injected(height_offset=-30):
        low = pool.agreed_height_floor()

    assert (height, height - 30) == (high, low)


def test_an_endpoint_that_invents_a_head_is_distrusted(chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool) -> None:
    """A lead of a million blocks at the same time is none; the other endpoint stays in use."""
    proxy["primary"].inject(height_offset=1_000_000)

    assert [Standing.DISTRUSTED, Standing.ACTIVE] == standing(pool)
    assert chain.height() == pool.height("processed")


def test_the_height_of_one_endpoint_is_no_quorum(proxy: FaultProxy, pool: SolanaPool) -> None:
    """While one of two is away nothing is said to have expired."""
    standing(pool)
    with proxy["secondary"].injected(failure="http_500"), pytest.raises(NoQuorum):
        pool.agreed_height_floor(quorum=2)


@pytest.mark.parametrize(("lie", "believed"), [(-35, 0), (30, 30), (100_000, LEAD_BLOCKS_MAX)])
def test_the_life_of_a_blockhash_is_held_to_the_heads(
    lie: int, believed: int, chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool
) -> None:
    """An endpoint names another last valid height: never below the heads and 150 blocks, and hardly above."""
    proxy["primary"].inject(height_offset=lie, methods=("getLatestBlockhash",))

    assert chain.height() + BLOCKHASH_BLOCKS + believed == pool.latest_blockhash().last_valid_block_height


def test_a_block_remembers_what_an_endpoint_has_forgotten(
    chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """One endpoint has lost its signatures: its block is asked, and final is final, with its outcome."""
    good, bad = transfer(pool, payer), transfer(pool, payer, 2**62)
    for signed in (good, bad):
        pool.broadcast(signed.raw)
    chain.finalize()
    proxy["primary"].inject(signatures="forgotten")
    statuses = pool.agreed_statuses([good.signature, bad.signature])

    assert [
        (Confirmation.FINALIZED, None),
        (Confirmation.FINALIZED, {"InstructionError": [1, {"Custom": 1}]}),
    ] == [(status.confirmation, status.error) for status in statuses if status is not None]


def test_a_forgotten_signature_is_not_unknown(
    chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """One endpoint has lost signatures and blocks: the transaction is seen still, and nothing follows from it."""
    signed = transfer(pool, payer)
    pool.broadcast(signed.raw)
    chain.mine(2)
    proxy["primary"].inject(signatures="forgotten", failure="rpc_error", methods=("getBlock",))
    confirmed = confirmation(pool, signed.signature)
    chain.finalize()
    final = confirmation(pool, signed.signature)
    proxy["secondary"].inject(signatures="forgotten")

    assert [Confirmation.PROCESSED] * 2 == [confirmed, final]
    assert confirmation(pool, signed.signature) is None


def test_an_invented_signature_is_not_final(proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """One of two calls final what was never sent: money does not move, and nothing is signed anew."""
    signed = transfer(pool, payer)
    proxy["primary"].inject(signatures="invented")

    assert Confirmation.PROCESSED == confirmation(pool, signed.signature)


def test_who_invents_a_signature_is_found_out_by_two_others(
    chain: SolanaNode, proxy: FaultProxy, payer: LocalSolanaSigner
) -> None:
    """Two have the block that it names without the signature in it: the claim is a lie."""
    pool = SolanaPool((*chain.proxy_urls, chain.url), "localnet", genesis_hash=chain.genesis_hash, survey_ttl_s=60.0)
    signed = transfer(pool, payer)
    proxy["primary"].inject(signatures="invented")
    unknown = confirmation(pool, signed.signature)

    assert unknown is None
    assert [Standing.DISTRUSTED, Standing.ACTIVE, Standing.ACTIVE] == standing(pool)
    pool.close()


def test_a_transaction_is_as_far_as_the_slower_endpoint_says(
    chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """Final for one, confirmed for the other: confirmed."""
    signed = transfer(pool, payer)
    pool.broadcast(signed.raw)
    chain.finalize()
    proxy["primary"].inject(stale_slot=chain.slot() - 10)

    assert Confirmation.CONFIRMED == confirmation(pool, signed.signature)


@pytest.mark.parametrize("fault", ["error", "lost"])
def test_a_node_that_takes_bytes_and_answers_an_error_has_taken_them(
    fault: str, chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """Nobody accepted, and the transaction lands."""
    signed = transfer(pool, payer)
    proxy.inject(send=fault)
    deliveries = pool.broadcast(signed.raw)
    chain.mine()

    assert [False, False] == [delivery.accepted for delivery in deliveries]
    assert Confirmation.CONFIRMED == confirmation(pool, signed.signature)


def test_a_node_that_accepts_may_never_send_on(
    chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """Both accepted, nothing lands; the same bytes land when they are sent again."""
    signed = transfer(pool, payer)
    proxy.inject(send="swallowed")
    swallowed = pool.broadcast(signed.raw)
    chain.mine()
    nothing = confirmation(pool, signed.signature)
    proxy.heal()
    pool.broadcast(signed.raw)
    chain.mine()

    assert ([True, True], None) == ([delivery.accepted for delivery in swallowed], nothing)
    assert Confirmation.CONFIRMED == confirmation(pool, signed.signature)


def test_refusals_have_meanings(chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """What a real node says of an expired, an unfunded, a failing and a broken transaction."""
    expired, failing = transfer(pool, payer), transfer(pool, payer, 2**62)
    poor = LocalSolanaSigner(bytes([3] * 32))
    unfunded = transfer(pool, poor)
    broken = bytearray(transfer(pool, payer, 7).raw)
    broken[10] ^= 1

    def refusal(raw: bytes) -> Refusal | None:
        return pool.broadcast(raw, skip_preflight=False)[0].refusal

    told = [refusal(failing.raw), refusal(unfunded.raw), refusal(bytes(broken)), refusal(b"\x00")]
    chain.expire()

    assert [Refusal.FAILING, Refusal.UNFUNDED, Refusal.UNACCEPTABLE, Refusal.UNACCEPTABLE] == told
    assert Refusal.EXPIRED == refusal(expired.raw)


def test_a_node_that_is_behind_says_so(proxy: FaultProxy, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """Its refusal is its own and no verdict over the bytes; a read goes on at the other endpoint."""
    signed = transfer(pool, payer)
    proxy["primary"].inject(failure="rpc_error", rpc_code=-32005, rpc_words="Node is behind by 42 slots")
    deliveries = pool.broadcast(signed.raw)

    assert [Refusal.BUSY] == [delivery.refusal for delivery in deliveries if not delivery.accepted]


def test_a_read_goes_on_at_the_next_endpoint(chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool) -> None:
    """Errors, silence and cut connections of one endpoint cost nothing but time."""
    standing(pool)
    told = []
    for failure in ("http_500", "http_429", "rpc_error", "reset"):
        with proxy["primary"].injected(failure=failure):
            told.append(pool.slot("processed"))

    assert [chain.slot()] * 4 == told


def test_balances_agree_or_nobody_believes_them(chain: SolanaNode, proxy: FaultProxy, pool: SolanaPool) -> None:
    """The agreed balance is the finalized one; without two answers there is none."""
    chain.fund(RECEIVER, 5_000_000)
    chain.finalize()
    agreed = pool.agreed_balance_lamports(RECEIVER)

    assert 5_000_000 == agreed
    with proxy["primary"].injected(failure="rpc_error"), pytest.raises(NoQuorum):
        pool.agreed_balance_lamports(RECEIVER, quorum=2)
