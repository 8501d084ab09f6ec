"""An EVM origin: which deposits there are, how deep they lie, and when the escrow has closed their orders."""

from dataclasses import replace

import pytest

from functions.bridge.core.finality import Depth
from functions.bridge.core.registry import Version
from infra.local.bridge.world import Wish
from kernel.abi import WordMalformed
from kernel.chain_events import SolanaEvent
from tests.chain.bridge.scene import AMOUNT_WEI, FEE_WEI, STRANGER, Scene

pytestmark = pytest.mark.chain

DEAD = "0x000000000000000000000000000000000000dEaD"


def depth(confirmations: int, *, finalized: bool = False) -> Depth:
    return Depth(confirmations=confirmations, finalized=finalized)


def test_a_deposit_becomes_deeper_until_its_chain_calls_it_final(newer: Scene) -> None:
    """The block itself is the first confirmation; here two more make it final."""
    deposit = newer.lock()
    depths = []
    for _ in range(3):
        depths.append(newer.origin().depth(deposit))
        newer.world.l2.mine()

    assert [depth(1), depth(2), depth(3, finalized=True)] == depths


def test_an_origin_without_the_tag_is_final_after_so_many_blocks(newer: Scene) -> None:
    """As its terms say, the deposit's own block counted."""
    origin, deposit = newer.origin(confirmations=5), newer.lock()
    newer.world.l2.mine(3)

    assert depth(4) == origin.depth(deposit)
    newer.world.l2.mine()
    assert depth(5, finalized=True) == origin.depth(deposit)


def test_a_deposit_whose_block_is_gone_has_no_depth(newer: Scene) -> None:
    """Not even when another deposit has taken its order id at its height."""
    before = newer.world.l2.snapshot()
    deposit = newer.lock()
    newer.world.l2.revert(before)

    assert depth(0) == newer.origin().depth(deposit)  # the chain has not come so far again
    other = newer.lock(1)
    assert other.key == deposit.key
    assert other.block_number == deposit.block_number
    assert newer.origin().depth(deposit) is None
    assert depth(1) == newer.origin().depth(other)


def test_a_deposit_that_moved_to_another_block_is_another_deposit(newer: Scene) -> None:
    """The same transaction, one block later: only where it is now it has a depth."""
    before = newer.world.l2.snapshot()
    deposit = newer.lock()
    newer.world.l2.revert(before)
    newer.world.l2.mine()
    again = newer.lock()

    assert again.transaction_hash == deposit.transaction_hash
    assert newer.origin().depth(deposit) is None
    assert depth(1) == newer.origin().depth(again)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_wei": 10**21},
        {"fee_wei": 10**21},
        {"recipient": int(STRANGER, 16)},
        {"transaction_hash": b"\1" * 32},
        {"block_hash": b"\1" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_event_is_no_deposit(newer: Scene, change: dict[str, object]) -> None:
    """What is paid for is what the receipt says, not what somebody told."""
    deposit = newer.lock()

    assert newer.origin().depth(replace(deposit, **change)) is None  # type: ignore[arg-type]  # fields by name


def test_a_forged_order_id_is_no_deposit(newer: Scene) -> None:
    """Nor is the real deposit paid a second time under another id."""
    deposit = newer.lock()

    assert newer.origin().depth(replace(deposit, key=replace(deposit.key, order_id=1))) is None


def test_an_event_of_a_foreign_contract_is_no_deposit(newer: Scene) -> None:
    """The other generation's escrow says the same words; so does the same address on another chain."""
    foreign = newer.event(newer.lock(version=Version.V1))
    own = newer.event(newer.lock())
    solana = SolanaEvent(
        cluster="devnet", slot=1, signature="s", instruction_path="1", ordinal=0, program="p", data=b""
    )
    origin = newer.origin()

    for told in (foreign, replace(own, chain_id=1), solana):
        with pytest.raises(WordMalformed):
            origin.deposit(told)
    # Told under the escrow's address, it is found out by its receipt.
    assert origin.depth(origin.deposit(replace(foreign, address=own.address))) is None


def test_newest_blocks_tell_of_deposits_and_of_their_retraction(newer: Scene) -> None:
    """One block must lie on a deposit; what a reorganisation takes back is told, too, and what comes instead."""
    before = newer.world.l2.snapshot()
    deposit = newer.lock()
    newer.origin().newest(5.0)
    assert newer.heard() == []

    newer.world.l2.mine()
    newer.origin().newest(5.0)
    newer.world.l2.revert(before)
    other = newer.lock(1)
    newer.world.l2.mine(3)
    newer.origin().newest(5.0)

    told = newer.heard()
    assert [(deposit, False), (deposit, True), (other, False)] == [
        (newer.origin().deposit(event), event.removed) for event in told
    ]


def test_final_blocks_tell_what_the_newest_have_missed_and_nothing_twice(newer: Scene) -> None:
    """Both watches share their tasks, and a foreign escrow's events are none of theirs."""
    first = newer.lock()
    newer.world.l2.mine(3)
    newer.origin().newest(5.0)
    second = newer.lock(1)
    newer.lock(2, version=Version.V1)
    newer.origin().accepted(5.0)
    assert [first] == [newer.origin().deposit(event) for event in newer.heard()]  # the second is not final

    newer.world.l2.mine(3)
    newer.origin().accepted(5.0)

    assert {first, second} == {newer.origin().deposit(event) for event in newer.heard()}
    assert len(newer.heard()) == 2


def test_final_blocks_of_a_chain_without_the_tag_are_counted(newer: Scene) -> None:
    """The deposit's own block is the first of them."""
    deposit, origin = newer.lock(), newer.origin(confirmations=4)
    newer.world.l2.mine(2)
    origin.accepted(5.0)
    assert newer.heard() == []

    newer.world.l2.mine()
    origin.accepted(5.0)

    assert [deposit] == [origin.deposit(event) for event in newer.heard()]


def test_an_order_is_closed_once_the_escrow_says_so_in_a_final_block(scene: Scene) -> None:
    """Not by the payment, not by the claim, not by an escrow's block that may still go."""
    deposit = scene.lock()
    scene.pay(deposit)
    claim = scene.origin().claim(scene.version, [scene.payment(deposit)])
    scene.call(claim.data, claim.value_wei)
    scene.world.l2.mine(3)
    assert scene.origin().closed(deposit) is None

    scene.carry()
    assert not scene.world.is_pending(scene.version, 0)
    closed_in = scene.world.l2.block_number()
    assert scene.origin().closed(deposit) is None
    scene.world.l2.mine(2)

    closing = scene.origin().closed(deposit)
    assert closing is not None
    assert (closed_in, AMOUNT_WEI) == (closing.block, closing.amount_wei)
    receipt = scene.world.l2.rpc("eth_getTransactionReceipt", "0x" + closing.transaction_hash.hex())
    assert closed_in == int(receipt["blockNumber"], 16)


def test_an_order_that_was_never_set_is_not_closed(newer: Scene) -> None:
    """The escrow does not wait for it, either; nor is it closed by the repayment of another one."""
    first, second = newer.lock(), newer.lock(1)
    newer.close(first)
    newer.world.l2.mine(2)

    assert newer.origin().closed(replace(first, key=replace(first.key, order_id=7))) is None
    assert newer.origin().closed(second) is None
    assert newer.origin().closed(first) is not None


def test_a_repayment_that_was_reorganised_away_closes_nothing(newer: Scene) -> None:
    """Until it is made again."""
    deposit = newer.lock()
    newer.world.l2.mine(2)
    before = newer.world.l2.snapshot()
    newer.close(deposit)
    newer.world.l2.revert(before)
    newer.world.l2.mine(5)
    assert newer.origin().closed(deposit) is None

    newer.carry()
    newer.world.l2.mine(2)

    assert newer.origin().closed(deposit) is not None


@pytest.mark.parametrize("order_id", [2**64 + 5, 2**128 + 1, 2**256 - 2], ids=["2^64", "2^128", "2^256"])
def test_an_order_id_of_any_size_goes_the_whole_way(scene: Scene, order_id: int) -> None:
    """Seen, as deep as it lies, paid, found, claimed and closed."""
    scene.skip_to_order(order_id)
    deposit = scene.lock()
    scene.world.l2.mine()
    origin = scene.origin()
    origin.newest(5.0)
    assert [deposit] == [origin.deposit(event) for event in scene.heard()]
    assert order_id == deposit.key.order_id
    assert depth(2) == origin.depth(deposit)

    scene.close(deposit)
    scene.world.l2.mine(2)

    paid = scene.registry().paid(scene.payment(deposit))
    assert paid is not None
    assert paid.payer == scene.maker
    assert origin.closed(deposit) is not None


def test_a_recipient_with_leading_zero_bytes_is_paid_all_of_it(scene: Scene) -> None:
    """And nobody else is."""
    deposit = scene.lock(recipient=DEAD)
    assert int(DEAD, 16) == deposit.recipient
    assert scene.registry().transfer_gas(scene.payment(deposit), scene.maker) is not None

    scene.close(deposit)
    scene.world.l2.mine(2)

    assert AMOUNT_WEI == int(scene.world.l1.rpc("eth_getBalance", DEAD, "latest"), 16)
    assert scene.origin().closed(deposit) is not None


def test_several_orders_of_one_transaction_are_told_apart(newer: Scene) -> None:
    """A deposit is found by all that it says, so that a batch of users' orders is no batch of duplicates."""
    wishes = [
        Wish(user=newer.world.users[0], version=Version.V2, recipient=STRANGER, amount_wei=AMOUNT_WEI, fee_wei=FEE_WEI)
    ] * 3
    deposits = newer.world.lock(wishes)

    assert [0, 1, 2] == [one.key.order_id for one in deposits]
    assert all(newer.origin().depth(one) is not None for one in deposits)
    mixed = replace(deposits[0], key=deposits[1].key)
    assert newer.origin().depth(mixed) is None
