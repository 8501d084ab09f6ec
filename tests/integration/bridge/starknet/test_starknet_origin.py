"""Starknet as an origin: what a quorum says of deposits, repayments and the cost of messages."""

from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.adapters.origin import Closing, Origin
from functions.bridge.adapters.starknet_origin import (
    MESSAGE_FEE_MIN_WEI,
    MessageRefused,
    MessageTooDear,
    StarknetOrigin,
)
from functions.bridge.core.finality import Depth
from functions.bridge.core.registry import STARKNET_CHAIN_ID, Family, Payment
from functions.bridge.core.starknet import CLAIM_PAYMENT_HANDLER, FeltsMalformed
from kernel.chain_events import EvmEvent
from kernel.errors import WrongChain
from kernel.evm.quorum import QuestionRefused
from kernel.jsonrpc.quorum import NoQuorum
from tests.integration.bridge.starknet.bench import REGISTRY, Bench, standings
from tests.integration.bridge.starknet.network import ACCOUNT, ESCROW, SPEC, Faults

pytestmark = pytest.mark.integration

FEE_WEI = int(SPEC["fee_estimate"]["overall_fee"], 16)
RECIPIENT = "0x00000000000000000000000000000000000000aB"


def payment(order_id: int = 0, amount_wei: int = 10**18) -> Payment:
    """A payment through the registry."""
    return Payment(order_id=order_id, recipient=RECIPIENT, amount_wei=amount_wei, chain=STARKNET_CHAIN_ID)


def test_it_is_an_origin(bench: Bench) -> None:
    """Its names are those of the ledger, and each registry has its own for the chain."""
    origin: Origin = bench.origin()

    assert ("starknet", Family.STARKNET, "starknet:sepolia") == (origin.name, origin.family, origin.chain)
    assert ("starknet:sepolia:native", f"0x{ACCOUNT:064x}") == (origin.asset, origin.account)
    assert (STARKNET_CHAIN_ID, 0) == (origin.registry_chain, bench.origin(version=1).registry_chain)


def test_a_deposit_is_what_its_event_says(bench: Bench) -> None:
    """The newest and the accepted blocks tell the same task."""
    origin = bench.origin()
    deposit = bench.deposit(origin, 2**130 + 5)
    bench.network.accept_on_l1(3)
    origin.accepted(5)

    [event] = bench.heard()
    assert (2**130 + 5, 0xD17D, 10**18, 10**15) == (
        deposit.key.order_id,
        deposit.recipient,
        deposit.amount_wei,
        deposit.fee_wei,
    )
    assert (event.block_hash, event.transaction_hash, 3) == (
        deposit.block_hash,
        deposit.transaction_hash,
        deposit.block_number,
    )


@pytest.mark.parametrize("change", [{"address": ESCROW + 1}, {"network": "main"}, {"keys": (1,)}, {"data": (0,) * 6}])
def test_an_event_of_something_else_sets_no_order(bench: Bench, change: dict[str, Any]) -> None:
    """Another contract, another network, another event; and what is no event of Starknet."""
    origin = bench.origin()
    bench.deposit(origin)
    [event] = bench.heard()

    with pytest.raises(FeltsMalformed):
        origin.deposit(replace(event, **change))
    with pytest.raises(FeltsMalformed):
        origin.deposit(EvmEvent)


def test_depth_counts_blocks_and_knows_finality(bench: Bench) -> None:
    """The deposit's own block counts; accepted on L1 is final."""
    origin = bench.origin()
    deposit = bench.deposit(origin)
    assert Depth(confirmations=1, finalized=False) == origin.depth(deposit)

    bench.network.mine()
    bench.network.mine()
    assert Depth(confirmations=3, finalized=False) == origin.depth(deposit)
    bench.network.accept_on_l1(3)

    assert Depth(confirmations=3, finalized=True) == origin.depth(deposit)


def test_a_deposit_that_was_reorganised_away_is_not_there(bench: Bench) -> None:
    """Nor one that was moved to another block, which is another deposit."""
    origin = bench.origin()
    deposit = bench.deposit(origin)
    spoken = bench.network.chain.blocks[-1].spoken
    bench.network.chain = bench.network.chain.fork(3)
    assert Depth(confirmations=0, finalized=False) == origin.depth(deposit)

    bench.network.mine(*spoken)

    assert origin.depth(deposit) is None


def test_a_forged_deposit_is_not_there(bench: Bench) -> None:
    """Whatever a hint says of a block that is there."""
    origin = bench.origin()
    deposit = bench.deposit(origin)

    for forged in (
        replace(deposit, amount_wei=deposit.amount_wei + 1),
        replace(deposit, recipient=0xBAD),
        replace(deposit, transaction_hash=bytes(32)),
    ):
        assert origin.depth(forged) is None


def test_one_of_two_endpoints_makes_no_depth(bench: Bench) -> None:
    """Whether the other one denies the deposit, lags, or is gone."""
    deposit = bench.deposit(bench.origin())
    spoken = deposit.transaction_hash
    hidden = {int.from_bytes(spoken, "big")}

    for other in (
        Faults(leaves_out=hidden, receipts_lie=True),
        Faults(chain=bench.network.chain.fork(3)),
        Faults(away=True),
    ):
        if other.chain is not None:
            other.chain.mine()
        with pytest.raises(NoQuorum):
            bench.origin(Faults(), other).depth(deposit)


def test_two_of_three_endpoints_make_a_depth(bench: Bench) -> None:
    """The lagging one counts neither for the depth nor for finality; the lying one is found out."""
    deposit = bench.deposit(bench.origin())
    bench.network.mine()
    hidden = {int.from_bytes(deposit.transaction_hash, "big")}
    lagging, liar = (
        bench.origin(Faults(lags=2), Faults(), Faults()),
        bench.origin(Faults(leaves_out=hidden, receipts_lie=True), Faults(), Faults()),
    )

    assert Depth(confirmations=2, finalized=False) == lagging.depth(deposit)
    assert Depth(confirmations=2, finalized=False) == liar.depth(deposit)
    assert "distrusted" == standings(liar._pool)[0]


def test_an_index_that_lags_behind_its_blocks_forgets_no_deposit(bench: Bench) -> None:
    """The receipts of the block have it, at both endpoints."""
    deposit = bench.deposit(bench.origin())
    hidden = {int.from_bytes(deposit.transaction_hash, "big")}

    found = bench.origin(Faults(leaves_out=hidden), Faults(leaves_out=hidden)).depth(deposit)

    assert Depth(confirmations=1, finalized=False) == found


def closed(bench: Bench, origin: StarknetOrigin, order_id: int = 0) -> Any:
    """What the origin says of a deposit once the escrow has repaid it in a final block, and that block."""
    deposit = bench.deposit(origin, order_id)
    bench.network.mine()
    block = bench.network.mine(bench.network.claim_payment(order_id + 1), bench.network.claim_payment(order_id))
    bench.network.accept_on_l1(block.number)
    origin.accepted(5)
    return origin.closed(deposit), block


def test_an_order_is_closed_once_a_final_block_says_so(bench: Bench) -> None:
    """With the transaction that repaid it, among repayments of others."""
    found, block = closed(bench, bench.origin(), 2**140)

    hashed = block.spoken[1].transaction_hash.to_bytes(32, "big")
    assert Closing(block=block.number, transaction_hash=hashed, amount_wei=10**18) == found


def test_a_block_that_is_not_final_closes_nothing(bench: Bench) -> None:
    """Neither does one to which the final blocks' cursor has not come."""
    origin = bench.origin()
    deposit = bench.deposit(origin)
    bench.network.mine(bench.network.claim_payment(0))
    assert origin.closed(deposit) is None
    origin.accepted(5)
    assert origin.closed(deposit) is None

    bench.network.accept_on_l1(3)
    origin.accepted(5)
    assert origin.closed(deposit) is None


def test_an_order_that_was_never_set_is_not_closed(bench: Bench) -> None:
    """The escrow does not wait for it, and has repaid nothing."""
    origin = bench.origin()
    deposit = replace(bench.deposit(origin), key=replace(bench.deposit(origin, 1).key, order_id=99))
    bench.network.accept_on_l1(4)
    origin.accepted(5)

    assert origin.closed(deposit) is None


def test_one_endpoint_alone_closes_nothing(bench: Bench) -> None:
    """An invented repayment, or a truth value that only one tells."""
    honest = bench.origin()
    deposit = bench.deposit(honest)
    block = bench.network.mine()
    bench.network.accept_on_l1(block.number)
    honest.accepted(5)
    liar = Faults(
        invents=[(block.number, bench.network.claim_payment(0))], replaced={'"result": ["0x1"]': '"result": ["0x0"]'}
    )

    with pytest.raises(NoQuorum):
        bench.origin(liar, Faults()).closed(deposit)
    assert bench.origin(liar, Faults(), Faults()).closed(deposit) is None
    assert bench.origin(Faults(replaced={'["0x1"]': '["0x2"]'}), Faults(), Faults()).closed(deposit) is None


def test_a_repayment_is_found_in_ranges_that_are_refused_when_wide(bench: Bench) -> None:
    """Down to one block."""
    found, block = closed(bench, bench.origin(Faults(range_max=1), Faults(range_max=1)))

    assert block.number == found.block


@pytest.mark.parametrize(("method", "error"), [("call", "CONTRACT_NOT_FOUND"), ("getEvents", "BLOCK_NOT_FOUND")])
def test_what_every_endpoint_refuses_passes(bench: Bench, method: str, error: str) -> None:
    """A mistaken setting, a block that is not there any more: told with the spec's code, and no reason to park."""
    origin = bench.origin()
    deposit = bench.deposit(origin)
    bench.network.mine(bench.network.claim_payment(0))
    bench.network.accept_on_l1(4)
    origin.accepted(5)
    wrong = bench.origin(*(Faults(refuses={f"starknet_{method}": error}) for _ in range(2)))

    with pytest.raises(QuestionRefused) as refused:
        wrong.closed(deposit)

    assert SPEC["errors"][error]["code"] == refused.value.details["rpc_code"]


def test_a_message_costs_its_estimate_and_headroom(bench: Bench) -> None:
    """As the escrow's handler is asked: both halves of each u256, the recipient as a number, from the registry."""
    fee_wei = bench.origin().message_fee_wei([payment(2**128 + 5, 2**128 + 3)])

    asked = next(one for one in bench.network.asked if one["method"] == "starknet_estimateMessageFee")["params"]
    message = {
        "from_address": "0x" + "5e" * 20,
        "to_address": hex(ESCROW),
        "entry_point_selector": hex(CLAIM_PAYMENT_HANDLER),
        "payload": ["0x5", "0x1", "0xab", "0x3", "0x1"],
    }
    assert [message | {"from_address": asked[0]["from_address"]}, "latest"] == asked
    assert REGISTRY == asked[0]["from_address"].lower()
    assert (FEE_WEI * 3 + 1) // 2 == fee_wei


def test_messages_of_several_payments_cost_the_dearest_each(bench: Bench) -> None:
    """The registry shares the value evenly, and refuses one that cannot be."""
    assert 3 * ((FEE_WEI * 3 + 1) // 2) == bench.origin().message_fee_wei([payment(0), payment(1), payment(2)])


def test_no_message_costs_less_than_the_core_contract_takes(bench: Bench) -> None:
    """Whatever an old node estimates."""
    origin = bench.origin(Faults(fee_wei=7), Faults(fee_wei=MESSAGE_FEE_MIN_WEI))

    assert MESSAGE_FEE_MIN_WEI * 3 // 2 == origin.message_fee_wei([payment()])


def test_an_estimate_that_stands_alone_is_not_paid(bench: Bench) -> None:
    """One of two that exaggerates leaves no quorum, one of three changes nothing; nor does another unit count."""
    dear, strk = Faults(fee_wei=40 * FEE_WEI), Faults(replaced={'"WEI"': '"FRI"'})

    for odd in (dear, strk):
        with pytest.raises(NoQuorum):
            bench.origin(odd, Faults()).message_fee_wei([payment()])
        assert (FEE_WEI * 3 + 1) // 2 == bench.origin(odd, Faults(), Faults()).message_fee_wei([payment()])


def test_a_message_above_what_we_allow_is_not_paid(bench: Bench) -> None:
    """Where all endpoints say so, too."""
    with pytest.raises(MessageTooDear):
        bench.origin(message_fee_max_wei=FEE_WEI).message_fee_wei([payment()])


def test_a_message_that_the_escrow_refuses_is_told_with_its_words(bench: Bench) -> None:
    """CONTRACT_ERROR, code 40, of every endpoint."""
    faults = [Faults(refuses={"starknet_estimateMessageFee": "CONTRACT_ERROR"}) for _ in range(2)]

    with pytest.raises(MessageRefused) as refused:
        bench.origin(*faults).message_fee_wei([payment()])

    assert "Order withdrew or nonexistent" in str(refused.value.details["words"])


def test_endpoints_of_another_network_are_not_read(bench: Bench) -> None:
    """SN_MAIN's, where SN_SEPOLIA is configured."""
    main = {hex(int.from_bytes(b"SN_SEPOLIA", "big")): hex(int.from_bytes(b"SN_MAIN", "big"))}

    with pytest.raises(WrongChain):
        bench.origin(Faults(replaced=main), Faults(replaced=main)).newest(5)
