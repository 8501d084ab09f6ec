"""An EVM origin whose endpoints lie, lag or are away: it says nothing rather than what is not so."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.core.escrow import CLAIM_PAYMENT
from functions.bridge.core.finality import Depth
from functions.bridge.core.order import Deposit
from infra.local.fault_proxy import FaultProxy
from kernel.abi import address_word, uint_word
from kernel.errors import Transient
from kernel.jsonrpc.endpoint import RpcUnavailable
from kernel.jsonrpc.quorum import NoQuorum
from tests.chain.bridge.scene import STRANGER, Scene
from tests.chain.evm.liar import Liar, always

pytestmark = pytest.mark.chain

Lying = Callable[..., Liar]
NOT_PENDING = "0x" + bytes(32).hex()


def proxy_of(scene: Scene) -> FaultProxy:
    assert scene.world.l2.proxy is not None
    return scene.world.l2.proxy


def invented_closing(scene: Scene, deposit: Deposit) -> Callable[[list[Any], Any], Any]:
    """Logs with a repayment of this order in the deposit's own block."""
    words = uint_word(deposit.key.order_id) + address_word(scene.maker) + uint_word(deposit.amount_wei)

    def lie(params: list[Any], result: Any) -> Any:
        invented = {
            "address": scene.generation.escrow.address,
            "topics": ["0x" + CLAIM_PAYMENT.hex()],
            "data": "0x" + words.hex(),
            "blockNumber": hex(deposit.block_number),
            "blockHash": "0x" + deposit.block_hash.hex(),
            "transactionHash": "0x" + deposit.transaction_hash.hex(),
            "logIndex": "0x7",
        }
        return [*result, invented]

    return lie


@pytest.mark.parametrize("away", [{"outage": True}, {"failure": "http_500"}, {"failure": "reset"}], ids=str)
def test_one_endpoint_alone_decides_nothing(faulty: Scene, away: dict[str, Any]) -> None:
    """With the other away there is no depth and no closing, however long that takes; then there is."""
    deposit, proxy = faulty.lock(), proxy_of(faulty)
    faulty.close(deposit)
    faulty.world.l2.mine(2)
    origin = faulty.origin(*proxy.urls)

    with proxy["secondary"].injected(**away):
        for read in (origin.depth, origin.closed):
            for _ in range(2):
                with pytest.raises((NoQuorum, RpcUnavailable)):
                    read(deposit)
                faulty.clock.advance(60)

    assert origin.depth(deposit) is not None
    assert origin.closed(deposit) is not None


def test_one_endpoint_is_enough_to_hear_of_a_deposit(faulty: Scene) -> None:
    """An event is a hint, so nobody waits for the other; what it says is for a quorum to tell."""
    deposit, proxy = faulty.lock(), proxy_of(faulty)
    faulty.world.l2.mine(3)
    origin = faulty.origin(*proxy.urls)

    with proxy["primary"].injected(outage=True):
        origin.newest(5.0)
        origin.accepted(5.0)
        assert [deposit] == [origin.deposit(event) for event in faulty.heard()]
        with pytest.raises((NoQuorum, RpcUnavailable)):
            origin.depth(deposit)


@pytest.mark.parametrize(
    ("code", "words"),
    [(-32005, "limit exceeded"), (-32000, "header not found"), (-32602, "BlockOutOfRangeError: height is 4")],
)
def test_what_all_endpoints_refuse_passes(faulty: Scene, code: int, words: str) -> None:
    """Whatever they call it: an order that cannot be read now is read later, and no person is called."""
    deposit, registry = faulty.lock(), faulty.registry(*faulty.world.l1.proxy_urls)
    origin, payment = faulty.origin(*faulty.world.l2.proxy_urls), faulty.payment(deposit)
    assert origin.depth(deposit) is not None
    assert registry.paid(payment) is None
    reads: list[tuple[str, Callable[[], object]]] = [
        ("eth_getBlockByNumber", lambda: origin.depth(deposit)),
        ("eth_call", lambda: origin.closed(deposit)),
        ("eth_call", lambda: registry.paid(payment)),
        ("eth_estimateGas", lambda: registry.transfer_gas(payment, faulty.maker)),
        ("eth_feeHistory", registry.gas_price_wei),
    ]
    faulty.world.l2.mine(2)

    for method, read in reads:
        for node in (faulty.world.l1, faulty.world.l2):
            assert node.proxy is not None
            node.proxy.inject(failure="rpc_error", rpc_code=code, rpc_words=words, methods=(method,))
        with pytest.raises(Transient):
            read()


def test_a_lagging_endpoint_makes_nothing_deeper_final_or_closed(faulty: Scene) -> None:
    """What it has not seen yet is seen by one endpoint only."""
    deposit, proxy = faulty.lock(), proxy_of(faulty)
    origin = faulty.origin(*proxy.urls)
    with proxy["primary"].injected(stale_head=deposit.block_number):
        faulty.close(deposit)
        assert Depth(confirmations=1, finalized=False) == origin.depth(deposit)

        faulty.world.l2.mine(2)
        assert origin.closed(deposit) is None

    assert origin.closed(deposit) is not None


def test_a_deposit_that_one_endpoint_has_not_seen_waits(faulty: Scene) -> None:
    """Neither gone nor there."""
    proxy = proxy_of(faulty)
    stands_at = faulty.world.l2.block_number()
    deposit = faulty.lock()

    with proxy["primary"].injected(stale_head=stands_at), pytest.raises(NoQuorum):
        faulty.origin(*proxy.urls).depth(deposit)


@pytest.mark.parametrize("pruned", [1, 2], ids=["one", "both"])
def test_endpoints_that_have_pruned_their_receipts_make_no_deposit_gone(faulty: Scene, pruned: int) -> None:
    """The block still has the transaction, so what they cannot show has not been taken back."""
    deposit, proxy = faulty.lock(), proxy_of(faulty)
    faulty.world.l2.mine(5)
    for identity in proxy.identities[:pruned]:
        identity.inject(logs_pruned=True)

    if pruned == 1:
        with pytest.raises(NoQuorum):
            faulty.origin(*proxy.urls).depth(deposit)
    else:
        assert Depth(confirmations=0, finalized=False) == faulty.origin(*proxy.urls).depth(deposit)


def test_a_block_of_another_hash_shows_a_deposit_gone_without_receipts(faulty: Scene) -> None:
    """The same transaction at the same height, in a block of another time."""
    node, proxy = faulty.world.l2, proxy_of(faulty)
    before = node.snapshot()
    deposit = faulty.lock()
    newest = node.rpc("eth_getBlockByNumber", "latest", False)
    node.revert(before)
    node.rpc("evm_setNextBlockTimestamp", int(newest["timestamp"], 16) + 100)
    again = faulty.lock()
    assert (again.transaction_hash, again.block_number) == (deposit.transaction_hash, deposit.block_number)
    proxy.inject(logs_pruned=True)

    assert faulty.origin(*proxy.urls).depth(deposit) is None


def test_one_of_two_that_invents_a_closing_closes_nothing(newer: Scene, start_lying: Lying) -> None:
    """That the escrow does not wait, and the event: each is a lie, and both."""
    deposit = newer.lock()
    newer.world.l2.mine(2)
    invented = invented_closing(newer, deposit)
    for lies in (
        {"eth_call": always(NOT_PENDING)},
        {"eth_getLogs": invented},
        {"eth_call": always(NOT_PENDING), "eth_getLogs": invented},
    ):
        liar = start_lying(newer.world.l2.url, **lies)
        with suppress(NoQuorum):
            assert newer.origin(liar.url, newer.world.l2.url).closed(deposit) is None


def test_two_outvote_one_that_invents_a_closing(faulty: Scene, start_lying: Lying) -> None:
    """Wherever it stands in the order."""
    deposit, urls = faulty.lock(), proxy_of(faulty).urls
    faulty.world.l2.mine(2)
    liar = start_lying(faulty.world.l2.url, eth_call=always(NOT_PENDING), eth_getLogs=invented_closing(faulty, deposit))

    assert faulty.origin(liar.url, *urls).closed(deposit) is None
    assert faulty.origin(*urls, liar.url).closed(deposit) is None


def test_an_endpoint_that_denies_a_closing_delays_it(newer: Scene, start_lying: Lying) -> None:
    """Two that contradict each other say nothing; a third one's word stands."""
    deposit = newer.lock()
    newer.close(deposit)
    newer.world.l2.mine(2)
    denying = start_lying(newer.world.l2.url, eth_getLogs=always([]))

    with pytest.raises(NoQuorum):
        newer.origin(denying.url, newer.world.l2.url).closed(deposit)
    honest = start_lying(newer.world.l2.url)
    assert newer.origin(denying.url, newer.world.l2.url, honest.url).closed(deposit) is not None


def test_a_head_that_one_endpoint_exaggerates_makes_nothing_deep(newer: Scene, start_lying: Lying) -> None:
    """Neither the newest block nor the final one, as long as it lies by less than what has it left out."""
    deposit = newer.lock()

    def ahead(params: list[Any], block: Any) -> Any:
        if params[0] in ("latest", "finalized"):
            return {**block, "number": hex(deposit.block_number + 4)}
        return block

    liar = start_lying(newer.world.l2.url, eth_getBlockByNumber=ahead)

    for urls in ((liar.url, newer.world.l2.url), (newer.world.l2.url, liar.url)):
        assert Depth(confirmations=1, finalized=False) == newer.origin(*urls).depth(deposit)


def test_an_endpoint_on_another_fork_neither_keeps_nor_forgets_a_deposit(newer: Scene, start_lying: Lying) -> None:
    """One says that the deposit is there, one that another block is: nothing is paid, and nothing forgotten."""
    deposit = newer.lock()
    newer.world.l2.mine(3)

    def other_fork(params: list[Any], block: Any) -> Any:
        return {**block, "hash": "0x" + "ab" * 32} if params[0] == hex(deposit.block_number) else block

    forked = start_lying(newer.world.l2.url, eth_getBlockByNumber=other_fork)

    for urls in ((forked.url, newer.world.l2.url), (newer.world.l2.url, forked.url)):
        with pytest.raises(NoQuorum):
            newer.origin(*urls).depth(deposit)


def test_a_receipt_that_one_endpoint_forges_makes_no_deposit(newer: Scene, start_lying: Lying) -> None:
    """A deposit of a hundred times the amount, borne out by whoever told of it."""
    deposit = newer.lock()
    newer.world.l2.mine(3)
    event = newer.event(deposit)
    data = event.data[:64] + uint_word(100 * deposit.amount_wei) + event.data[96:]

    def forged(params: list[Any], receipt: Any) -> Any:
        return {**receipt, "logs": [{**log, "data": "0x" + data.hex()} for log in receipt["logs"]]}

    liar = start_lying(newer.world.l2.url, eth_getTransactionReceipt=forged)
    told = newer.origin().deposit(replace(event, data=data))
    assert told.amount_wei == 100 * deposit.amount_wei

    for urls in ((liar.url, newer.world.l2.url), (newer.world.l2.url, liar.url)):
        with pytest.raises(NoQuorum):
            newer.origin(*urls).depth(told)
    honest = start_lying(newer.world.l2.url)
    assert newer.origin(liar.url, newer.world.l2.url, honest.url).depth(told) is None


def test_of_an_event_that_was_told_only_the_place_counts(newer: Scene, start_lying: Lying) -> None:
    """Whoever forges its words cannot hide the true ones; what one endpoint forges is not believed."""
    true = newer.event(newer.lock())
    told = replace(true, data=bytes(128), address=STRANGER, topics=(), block_number=7)
    elsewhere = replace(true, log_index=5)

    def forged(params: list[Any], receipt: Any) -> Any:
        return {**receipt, "logs": [{**log, "data": "0x" + "11" * 128} for log in receipt["logs"]]}

    liar = start_lying(newer.world.l2.url, eth_getTransactionReceipt=forged)

    assert true == newer.origin().reread(told)
    assert true.retraction() == newer.origin().reread(told.retraction())
    assert elsewhere == newer.origin().reread(elsewhere)
    with pytest.raises(NoQuorum):
        newer.origin(liar.url, newer.world.l2.url).reread(told)


@pytest.mark.parametrize("blocks", [1, 3, 7])
def test_a_closing_is_found_through_whatever_ranges_an_endpoint_takes(faulty: Scene, blocks: int) -> None:
    """However far below the final block, so that no block between two ranges is left out."""
    deposit, proxy = faulty.lock(), proxy_of(faulty)
    faulty.close(deposit)
    faulty.world.l2.mine(12)
    proxy["primary"].inject(logs_range_max=blocks)
    origin, found = faulty.origin(*proxy.urls), []
    for _ in range(4):
        found.append(origin.closed(deposit))
        faulty.world.l2.mine()

    assert [deposit.amount_wei] * 4 == [closing and closing.amount_wei for closing in found]
