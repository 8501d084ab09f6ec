"""What the program did, read back from instructions that the real program took, and what of it is in the books."""

from typing import Any

import pytest
from solders.instruction import Instruction

from functions.netting.core.books import CLEARING, OUTSIDE, movements, wallet_account
from functions.netting.core.instructions import (
    BatchSettled,
    Deposited,
    Executed,
    InstructionMalformed,
    ItemDeposited,
    ItemRequested,
    ItemWithdrawn,
    LedgerOpened,
    PartSettled,
    SessionRegistered,
    SessionRevoked,
    Step,
    WithdrawalRequested,
    Withdrawn,
    decode_instruction,
)
from functions.netting.core.settlement import discriminator
from kernel import base58
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import Market
from tests.unit.netting.program.test_program_sessions import Session

pytestmark = pytest.mark.unit
A, B, C = (base58.encode(bytes([n]) * 32) for n in (1, 2, 3))


def read(call: Instruction) -> Executed | None:
    return decode_instruction("0", [str(one.pubkey) for one in call.accounts], bytes(call.data))


def done(market: Market, *sent: Any) -> Any:
    """The last instruction, carried out and read back."""
    market.must(*sent)
    found = read(sent[-1])
    assert found is not None
    return found


def test_what_wallets_do_is_read(market: Market) -> None:
    """Each instruction as the program takes it, with the one account that it changes."""
    wallet, session = market.deposited(5_000), Session(market)
    address, ledger, item = str(wallet.pubkey()), str(m.ledger_of(wallet.pubkey())), str(m.item_of(9))
    authority, funds = market.authority, [(m.ledger_of(wallet.pubkey()), "w"), (wallet, "sw")]
    deposit = market.call("deposit", [*funds, (m.SYSTEM, "")], m.u64(70))
    request = market.call("request_withdrawal", funds, m.u64(60))
    withdraw = market.call("withdraw", [*funds, (m.CONFIG, ""), (authority, "s")], m.u64(50))
    ask = market.call("request_item", [(m.item_of(9), "w"), (wallet, "s")])
    revoke = market.call("revoke_session_key", [(session.account(), "w"), (session.owner, "s")])
    told = [
        done(market, wallet, deposit),
        done(market, wallet, request),
        done(market, wallet, authority, withdraw),
        done(market, wallet, authority, market.deposit_item(9, wallet)),
        done(market, wallet, ask),
        done(market, wallet, authority, market.withdraw_item(9, wallet)),
        done(market, session.owner, session.signed(), session.register()),
        done(market, session.owner, revoke),
    ]

    account, owner, key = str(session.account()), str(session.owner.pubkey()), str(session.key)
    assert [one.step for one in told] == [
        Deposited(wallet=address, lamports=70),
        WithdrawalRequested(wallet=address, lamports=60),
        Withdrawn(wallet=address, lamports=50),
        ItemDeposited(number=9, owner=address),
        ItemRequested(account=item, owner=address),
        ItemWithdrawn(account=item, owner=address),
        SessionRegistered(account=account, owner=owner, key=key),
        SessionRevoked(account=account, owner=owner),
    ]
    assert [one.touched for one in told] == [(ledger,)] * 3 + [(item,)] * 3 + [(account,)] * 2


def test_an_opened_ledger_is_its_owners() -> None:
    """Whoever paid for it."""
    found = decode_instruction(
        "0.1", ["ledger", "payer", "system"], discriminator("global", "open_ledger") + b"\1" * 32
    )

    assert found == Executed(path="0.1", step=LedgerOpened(wallet=A), touched=("ledger",))


def test_batches_are_read(market: Market) -> None:
    """A whole one and a part, with the accounts that they change and no other."""
    seller, buyer = market.deposited(0), market.deposited(5_000)
    market.must(seller, market.authority, market.deposit_item(9, seller))
    whole = done(market, market.authority, market.settle(7, [(9, buyer)], [(buyer, -300), (seller, 300)]))
    market.must(market.authority, market.begin(8, 1))
    part = market.part(8, 0, debits=[(buyer, 10)], credits_=[(seller, 10)], items=[(9, seller)])
    parted = done(market, market.authority, part)

    s, b = str(seller.pubkey()), str(buyer.pubkey())
    accounts = [str(one) for one in (m.item_of(9), m.ledger_of(buyer.pubkey()), m.ledger_of(seller.pubkey()))]
    assert whole.step == BatchSettled(
        batch_id=7, batch_hash=m.BATCH_HASH, items=((9, b),), deltas=((b, -300), (s, 300))
    )
    assert whole.touched == tuple(accounts)
    assert parted.step == PartSettled(batch_id=8, index=0, debits=((b, 10),), credits=((s, 10),), items=((9, s),))
    assert parted.touched == (accounts[1], accounts[2], accounts[0])


def test_what_changes_nobodys_is_nothing(market: Market) -> None:
    """A pause, an opening of parts, the program's first transaction."""
    pause = market.call("set_paused", [(m.CONFIG, "w"), (market.authority, "s")], b"\1")

    assert [read(pause), read(market.begin(3, 1)), read(market.call("initialize", []))] == [None] * 3


@pytest.mark.parametrize(
    ("name", "accounts", "content"),
    [
        pytest.param("unknown", 9, b"", id="no instruction of the program"),
        pytest.param("deposit", 3, m.u64(1) + b"\0", id="a deposit that goes on"),
        pytest.param("deposit", 3, b"\1", id="a deposit that ends early"),
        pytest.param("deposit", 1, m.u64(1), id="a deposit without its wallet"),
        pytest.param("open_ledger", 3, b"\1" * 31, id="a key of 31 octets"),
        pytest.param("settle_net_batch", 3, m.u64(1) + bytes(32) + m.u32(0), id="a batch without deltas' count"),
        pytest.param("settle_net_batch", 3, m.u64(1) + bytes(32) + m.u32(2**32 - 1), id="a list of four billion"),
        pytest.param("settle_net_batch", 3, m.u64(1) + bytes(32) + m.u32(0) * 2 + b"\0", id="a batch that goes on"),
        pytest.param(
            "settle_net_batch", 3, m.u64(1) + bytes(32) + m.u32(0) + m.u32(1) + bytes(40), id="too few accounts"
        ),
        pytest.param("withdraw_item", 1, b"", id="an exit without an owner"),
        pytest.param("withdraw_item", 8, b"\0", id="an exit that goes on"),
        pytest.param("register_session_key", 5, m.u64(1) * 2 + b"\0", id="a session key that goes on"),
    ],
)
def test_what_the_program_would_have_refused_is_refused(name: str, accounts: int, content: bytes) -> None:
    """Then it is another program, and a person looks."""
    with pytest.raises(InstructionMalformed):
        decode_instruction("0", [A] * accounts, discriminator("global", name) + content)


def test_an_instruction_without_a_name_is_refused() -> None:
    """The program takes none of fewer than eight octets."""
    with pytest.raises(InstructionMalformed):
        decode_instruction("0", [A] * 9, b"\1\2\3")


def test_what_is_booked() -> None:
    """Each lamport into one account and out of another; a wallet that kept what it had is left out."""
    part = PartSettled(batch_id=1, index=0, debits=((A, 30), (B, 5)), credits=((C, 12), (B, 5)), items=())
    batch = BatchSettled(batch_id=1, batch_hash=bytes(32), items=(), deltas=((A, -30), (B, 0), (C, 30)))
    a, b, c = (wallet_account(one) for one in (A, B, C))

    assert movements(Deposited(wallet=A, lamports=7)) == sorted([(OUTSIDE, -7), (a, 7)])
    assert movements(Withdrawn(wallet=A, lamports=7)) == sorted([(OUTSIDE, 7), (a, -7)])
    assert movements(batch) == sorted([(a, -30), (c, 30)])
    assert movements(part) == sorted([(CLEARING, 18), (a, -30), (c, 12)])
    assert movements(Deposited(wallet=A, lamports=0)) == []
    assert movements(WithdrawalRequested(wallet=A, lamports=7)) == []
    assert b not in dict(movements(part))


def test_every_booking_adds_up() -> None:
    """Whatever the program did."""
    steps: list[Step] = [
        Deposited(wallet=A, lamports=2**63),
        Withdrawn(wallet=A, lamports=1),
        BatchSettled(batch_id=1, batch_hash=bytes(32), items=(), deltas=((A, -30), (B, 10), (C, 20))),
        PartSettled(batch_id=1, index=0, debits=((A, 30),), credits=(), items=()),
        PartSettled(batch_id=1, index=1, debits=(), credits=((B, 30),), items=()),
    ]

    assert [sum(lamports for _, lamports in movements(step)) for step in steps] == [0] * 5
