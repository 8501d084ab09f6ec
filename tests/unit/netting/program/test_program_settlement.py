"""Batches, whole and in parts: what they move, and every account and number that an attacker would give."""

import base64
import struct
from collections.abc import Callable
from typing import Any

import pytest
from solders.account import Account
from solders.instruction import Instruction
from solders.keypair import Keypair

from functions.netting.core import settlement
from functions.netting.core.settlement import NetBatchSettled, StateRootSettled, decode_event
from kernel import base58
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import SOL, Market, ledger_of, pda, u64
from tests.unit.netting.program.refusals import (
    BATCH_NOT_NEW,
    DEBIT_AFTER_CREDIT,
    DUPLICATE_ITEM,
    DUPLICATE_WALLET,
    INSUFFICIENT_FUNDS,
    OUT_OF_ORDER,
    POSITION_TOO_LARGE,
    UNAUTHORIZED,
    UNBALANCED,
    WRONG_ACCOUNT,
)

pytestmark = pytest.mark.unit


def events(told: Any) -> list[NetBatchSettled | StateRootSettled]:
    lines = [line.removeprefix("Program data: ") for line in told.logs() if line.startswith("Program data: ")]
    return [decode_event(base64.b64decode(line)) for line in lines]


def test_a_batch_moves_items_and_funds(market: Market) -> None:
    """By the bytes that the core writes; what an account holds beside its rent is what its ledger says."""
    seller, buyer = market.deposited(2 * SOL), market.deposited(SOL)
    market.must(seller, market.authority, market.deposit_item(7, seller))
    call = market.settle(1, [(7, buyer)], [(buyer, -300), (seller, 300)])
    owner, other = (base58.encode(bytes(one.pubkey())) for one in (buyer, seller))

    told = market.must(market.authority, call)

    assert bytes(call.data) == settlement.settle_net_batch_data(
        1, m.BATCH_HASH, [(7, owner)], [(owner, -300), (other, 300)]
    )
    assert (market.locked(seller), market.locked(buyer), market.owner(7)) == (2 * SOL + 300, SOL - 300, owner)
    assert events(told) == [
        NetBatchSettled(batch_id=1, num_items=1, num_wallets=2, batch_hash=m.BATCH_HASH, settled_at=m.NOW)
    ]


def test_a_full_transaction_is_cheap(market: Market) -> None:
    """Twenty ledgers stay far below what a transaction may compute."""
    wallets = [market.deposited(SOL) for _ in range(20)]
    told = market.must(market.authority, market.settle(1, [], [(one, (-1) ** n) for n, one in enumerate(wallets)]))

    assert told.compute_units_consumed() < 40_000


def test_only_the_authority_settles(shared: Market) -> None:
    """Not another signer, nor the authority's address without its signature, nor somebody's own config."""
    thief, victim = shared.deposited(SOL), shared.deposited(SOL)
    theft = [(thief, 5), (victim, -5)]
    unsigned = shared.settle(9, [], theft, authority=(shared.authority, ""))
    by_thief = shared.settle(9, [], theft, authority=(thief, "s"))
    fake = Keypair().pubkey()
    config = struct.pack("<Q", 0x82CCFA1EE0AA0C9B) + bytes(thief.pubkey()) + bytes(16)
    shared.vm.set_account(fake, Account(SOL, config, thief.pubkey()))
    own_config = shared.call("settle_net_batch", [(fake, "w"), (thief, "s"), (m.CLOCK, "")], bytes(by_thief.data)[8:])

    assert shared.refused(thief, unsigned) == UNAUTHORIZED
    assert shared.refused(thief, by_thief) == UNAUTHORIZED
    assert shared.refused(thief, own_config) == WRONG_ACCOUNT
    assert shared.locked(victim) == SOL


def test_a_batch_is_settled_once(market: Market) -> None:
    """Nor an earlier id after a later one."""
    one, other = market.deposited(SOL), market.deposited(SOL)
    deltas = [(one, 5), (other, -5)]
    market.must(market.authority, market.settle(7, [], deltas))

    assert market.refused(market.authority, market.settle(7, [], deltas)) == BATCH_NOT_NEW
    assert market.refused(market.authority, market.settle(6, [], deltas)) == BATCH_NOT_NEW
    assert market.refused(market.authority, market.settle(0, [], deltas)) == BATCH_NOT_NEW
    assert market.locked(one) == SOL + 5


def settled_with(
    items: Callable[[dict[str, Any]], Any], deltas: Callable[[dict[str, Any]], Any], **kept: Any
) -> Callable[[Market], Instruction]:
    """A batch of two wallets a, b with one SOL each, and items 7 of a and 8 of b."""

    def make(market: Market) -> Instruction:
        people: dict[str, Any] = {name: market.deposited(SOL) for name in "ab"}
        for number, name in ((7, "a"), (8, "b")):
            if market.owner(number) is None:
                market.must(people[name], market.authority, market.deposit_item(number, people[name]))
        accounts = kept.get("accounts")
        swapped = accounts(people) if accounts else None
        return market.settle(kept.get("batch_id", 50), items(people), deltas(people), accounts=swapped)

    return make


BALANCED: Callable[[dict[str, Any]], Any] = lambda p: [(p["a"], 5), (p["b"], -5)]  # noqa: E731 (one of a table)
NOTHING: Callable[[dict[str, Any]], Any] = lambda _: []  # noqa: E731 (one of a table)
FORGED = {
    "unbalanced": (settled_with(NOTHING, lambda p: [(p["a"], 6), (p["b"], -5)]), UNBALANCED),
    "an item twice": (settled_with(lambda p: [(7, p["b"]), (7, p["a"])], NOTHING), DUPLICATE_ITEM),
    "a wallet twice": (settled_with(NOTHING, lambda p: [(p["a"], 5), (p["a"], -5)]), DUPLICATE_WALLET),
    "more than it has": (settled_with(NOTHING, lambda p: [(p["a"], 2 * SOL), (p["b"], -2 * SOL)]), INSUFFICIENT_FUNDS),
    "the limit": (settled_with(NOTHING, lambda p: [(p["a"], 10**12), (p["b"], -(10**12))]), POSITION_TOO_LARGE),
    "the smallest number": (settled_with(NOTHING, lambda p: [(p["a"], -(2**63))]), POSITION_TOO_LARGE),
    "another's ledger": (
        settled_with(
            NOTHING,
            BALANCED,
            accounts=lambda p: [(ledger_of(p["b"].pubkey()), "w"), (ledger_of(p["a"].pubkey()), "w")],
        ),
        WRONG_ACCOUNT,
    ),
    "an item's account for a ledger": (
        settled_with(NOTHING, BALANCED, accounts=lambda p: [(m.item_of(7), "w"), (ledger_of(p["b"].pubkey()), "w")]),
        WRONG_ACCOUNT,
    ),
    "another item's account": (
        settled_with(lambda p: [(7, p["b"])], NOTHING, accounts=lambda _: [(m.item_of(8), "w")]),
        WRONG_ACCOUNT,
    ),
    "an item that is not there": (settled_with(lambda p: [(99, p["b"])], NOTHING), WRONG_ACCOUNT),
    "a missing account": (
        settled_with(NOTHING, BALANCED, accounts=lambda p: [(ledger_of(p["a"].pubkey()), "w")]),
        "NotEnoughAccountKeys",
    ),
    "a ledger that is only read": (
        settled_with(
            NOTHING,
            BALANCED,
            accounts=lambda p: [(ledger_of(p["a"].pubkey()), ""), (ledger_of(p["b"].pubkey()), "w")],
        ),
        WRONG_ACCOUNT,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_batch_is_refused(shared: Market, name: str) -> None:
    """Whole: nothing of it stays."""
    make, expected = FORGED[name]
    call = make(shared)

    told = shared.refused(shared.authority, call)

    assert told == (expected if isinstance(expected, int) else f"InstructionErrorFieldless.{expected}")


@pytest.mark.parametrize("cut", [0, 7, 39, 47, 80])
def test_cut_data_is_refused(shared: Market, cut: int) -> None:
    """Also with more behind it."""
    whole = settled_with(NOTHING, BALANCED)(shared)
    short = Instruction(m.PROGRAM, bytes(whole.data)[: 8 + cut], list(whole.accounts))
    long = Instruction(m.PROGRAM, bytes(whole.data) + b"\0", list(whole.accounts))

    refusals = [str(shared.refused(shared.authority, call)) for call in (short, long)]

    assert [one.rpartition(".")[2] for one in refusals] == ["InvalidInstructionData"] * 2


def test_a_ledger_of_another_program_is_none(shared: Market) -> None:
    """Its octets may be right."""
    thief, victim = shared.deposited(SOL), shared.deposited(SOL)
    real = shared.vm.get_account(ledger_of(thief.pubkey()))
    assert real is not None
    fake = Keypair().pubkey()
    shared.vm.set_account(fake, Account(100 * SOL, real.data, thief.pubkey()))
    accounts = [(fake, "w"), (ledger_of(victim.pubkey()), "w")]

    assert shared.refused(shared.authority, shared.settle(60, [], [(thief, 5), (victim, -5)], accounts=accounts)) == (
        WRONG_ACCOUNT
    )


def test_parts_add_up_over_transactions(market: Market) -> None:
    """Debits first, credits then; what the clearing held comes back to who opened it."""
    payers, payees = [market.deposited(SOL) for _ in range(3)], [market.deposited(SOL) for _ in range(2)]
    market.must(payees[0], market.authority, market.deposit_item(7, payees[0]))
    market.must(market.authority, market.begin(4, 3))
    market.must(market.authority, market.part(4, 0, [(payers[0], 10), (payers[1], 20)]))
    market.must(market.authority, market.part(4, 1, [(payers[2], 30)], [(payees[0], 25)]))
    told = market.must(market.authority, market.part(4, 2, [], [(payees[1], 35)], [(7, payers[0])]))

    assert [market.locked(one) - SOL for one in (*payers, *payees)] == [-10, -20, -30, 25, 35]
    assert market.owner(7) == base58.encode(bytes(payers[0].pubkey()))
    assert events(told) == [
        NetBatchSettled(batch_id=4, num_items=1, num_wallets=5, batch_hash=m.BATCH_HASH, settled_at=m.NOW)
    ]
    clearing = market.vm.get_account(pda(b"clearing", u64(4)))
    assert clearing is None or clearing.lamports == 0


def test_parts_come_in_their_order_and_once(market: Market) -> None:
    """A repeated part, a skipped one, a debit after a credit, credits without debits, an end that does not add up."""
    one, other = market.deposited(SOL), market.deposited(SOL)
    sender = market.authority
    market.must(sender, market.begin(4, 3))
    assert market.refused(sender, market.part(4, 1, [(one, 10)])) == OUT_OF_ORDER
    assert market.refused(sender, market.part(4, 0, [], [(other, 10)])) == UNBALANCED
    market.must(sender, market.part(4, 0, [(one, 10)]))
    assert market.refused(sender, market.part(4, 0, [(one, 10)])) == OUT_OF_ORDER
    market.must(sender, market.part(4, 1, [], [(other, 4)]))
    assert market.refused(sender, market.part(4, 2, [(one, 1)], [(other, 7)])) == DEBIT_AFTER_CREDIT
    assert market.refused(sender, market.part(4, 2, [], [(other, 5)])) == UNBALANCED
    market.must(sender, market.part(4, 2, [], [(other, 6)]))

    assert market.refused(sender, market.part(4, 3)) == WRONG_ACCOUNT
    assert market.refused(sender, market.begin(4, 1)) == BATCH_NOT_NEW
    assert (market.locked(one), market.locked(other)) == (SOL - 10, SOL + 10)


def test_a_part_takes_from_its_own_clearing(market: Market) -> None:
    """Not from another batch's."""
    one, other = market.deposited(SOL), market.deposited(SOL)
    for batch_id in (4, 5):
        market.must(market.authority, market.begin(batch_id, 2))
    market.must(market.authority, market.part(4, 0, [(one, 10)]))
    stolen = market.part(5, 0, [], [(other, 10)], clearing=pda(b"clearing", u64(4)))

    assert market.refused(market.authority, stolen) == WRONG_ACCOUNT


def root_call(market: Market, batch_id: int, signer: Any = None) -> Instruction:
    accounts = [(m.CONFIG, ""), (signer or market.authority, "sw"), (m.STATE_ROOT, "w"), (m.SYSTEM, "")]
    body = settlement.settle_state_root_data(batch_id, b"\1" * 32, b"\2" * 32, 10, 20)[8:]
    return market.call("settle_state_root", accounts, body)


def test_a_root_is_kept_and_told(market: Market) -> None:
    """The newest alone, in the order of batches, by the authority."""
    thief = market.wallet()
    assert market.refused(thief, root_call(market, 3, signer=thief)) == UNAUTHORIZED
    told = market.must(market.authority, root_call(market, 3))
    market.must(market.authority, root_call(market, 4))

    assert market.refused(market.authority, root_call(market, 4)) == BATCH_NOT_NEW
    assert events(told) == [
        StateRootSettled(batch_id=3, root=b"\1" * 32, da_hash=b"\2" * 32, num_intents=10, num_items=20, timestamp=m.NOW)
    ]
