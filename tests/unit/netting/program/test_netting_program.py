"""The netting program in LiteSVM: what it does, and every account and number that an attacker would give it."""

import base64
import hashlib
import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from solders.account import Account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.netting.core import settlement
from functions.netting.core.settlement import NetBatchSettled, StateRootSettled, decode_event
from infra.contracts.netting.build import COMPILER, build
from infra.contracts.netting.link import Unlinkable
from kernel import base58
from tests.repo.house import ROOT
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import SOL, Market, ledger_of, pda, u64

pytestmark = pytest.mark.unit

UNAUTHORIZED, PAUSED, UNBALANCED, DUPLICATE_ITEM, POSITION_TOO_LARGE = range(6000, 6005)
WRONG_ACCOUNT, INSUFFICIENT_FUNDS, NOT_OWNER, TOO_EARLY, OUT_OF_ORDER = range(6006, 6011)
DEBIT_AFTER_CREDIT, WRONG_TOKEN, NOT_SIGNED, SESSION_UNFIT, ALREADY_THERE = range(6011, 6016)
DUPLICATE_WALLET, BATCH_NOT_NEW = 6017, 6023


@pytest.fixture(scope="module")
def shared() -> Market:
    """Tests that only try what is refused share one."""
    return Market()


@pytest.fixture
def market() -> Market:
    return Market()


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


def withdrawal(market: Market, wallet: Keypair, lamports: int, authority: str, signer: Any = None) -> Instruction:
    accounts = [
        (ledger_of(wallet.pubkey()), "w"),
        (wallet, "sw"),
        (m.CONFIG, ""),
        (signer or market.authority, authority),
    ]
    return market.call("withdraw", accounts, u64(lamports))


def request(market: Market, wallet: Keypair, lamports: int, by: Keypair | None = None) -> Instruction:
    return market.call("request_withdrawal", [(ledger_of(wallet.pubkey()), "w"), (by or wallet, "s")], u64(lamports))


def test_funds_leave_with_the_authority_or_after_ten_minutes(market: Market) -> None:
    """Not a second earlier, not more than was requested, not twice."""
    wallet = market.deposited(SOL)
    market.must(wallet, market.authority, withdrawal(market, wallet, 100, "s"))
    assert market.refused(wallet, withdrawal(market, wallet, 100, "")) == TOO_EARLY
    market.must(wallet, request(market, wallet, 500))
    market.at(m.NOW + 599)
    assert market.refused(wallet, withdrawal(market, wallet, 500, "")) == TOO_EARLY
    market.at(m.NOW + 600)
    assert market.refused(wallet, withdrawal(market, wallet, 501, "")) == TOO_EARLY
    market.must(wallet, withdrawal(market, wallet, 500, ""))

    assert market.refused(wallet, withdrawal(market, wallet, 1, "")) == TOO_EARLY
    assert market.locked(wallet) == SOL - 600


def test_funds_leave_to_their_owner_alone(market: Market) -> None:
    """Another signer, another's request, more than there is, a co-signature of somebody else."""
    wallet, thief = market.deposited(SOL), market.deposited(SOL)
    ledger = (ledger_of(wallet.pubkey()), "w")
    stolen = market.call("withdraw", [ledger, (thief, "sw"), (m.CONFIG, ""), (market.authority, "s")], u64(1))

    assert market.refused(thief, market.authority, stolen) == NOT_OWNER
    assert market.refused(thief, request(market, wallet, 5, by=thief)) == NOT_OWNER
    assert market.refused(wallet, market.authority, withdrawal(market, wallet, SOL + 1, "s")) == INSUFFICIENT_FUNDS
    assert market.refused(wallet, thief, withdrawal(market, wallet, 1, "s", signer=thief)) == UNAUTHORIZED


def test_a_deposit_goes_to_the_wallets_own_ledger(shared: Market) -> None:
    """Not with money of somebody who has not signed, nor through another program."""
    wallet, other = shared.deposited(SOL), shared.deposited(SOL)
    foreign = shared.call("deposit", [(ledger_of(wallet.pubkey()), "w"), (other, "sw"), (m.SYSTEM, "")], u64(5))
    unsigned = shared.call("deposit", [(ledger_of(wallet.pubkey()), "w"), (wallet, "w"), (m.SYSTEM, "")], u64(5))
    elsewhere = shared.call("deposit", [(ledger_of(wallet.pubkey()), "w"), (wallet, "sw"), (m.TOKEN, "")], u64(5))

    assert shared.refused(other, foreign) == NOT_OWNER
    assert "PrivilegeEscalation" in str(shared.refused(other, unsigned))
    assert shared.refused(wallet, elsewhere) == WRONG_ACCOUNT
    assert shared.locked(wallet) == SOL


def test_a_ledger_is_made_once_at_its_own_address(market: Market) -> None:
    """Also where somebody sent lamports before."""
    wallet = market.wallet()
    market.vm.airdrop(ledger_of(wallet.pubkey()), 1)
    open_ = [(ledger_of(wallet.pubkey()), "w"), (market.authority, "sw"), (m.SYSTEM, "")]
    elsewhere = [(Keypair().pubkey(), "w"), (market.authority, "sw"), (m.SYSTEM, "")]
    owner = bytes(wallet.pubkey())

    assert market.refused(market.authority, market.call("open_ledger", elsewhere, owner)) == WRONG_ACCOUNT
    market.must(market.authority, market.call("open_ledger", open_, owner))
    assert market.locked(wallet) == 0
    assert market.refused(market.authority, market.call("open_ledger", open_, owner)) == ALREADY_THERE


def test_an_item_comes_back_to_its_owner_of_record(market: Market) -> None:
    """Who bought it, not who brought it; then it is gone, and may come again."""
    seller, buyer = market.deposited(SOL), market.deposited(SOL)
    market.must(seller, market.authority, market.deposit_item(7, seller))
    market.must(market.authority, market.settle(1, [(7, buyer)], []))

    assert market.refused(seller, market.authority, market.withdraw_item(7, seller)) == NOT_OWNER
    market.must(buyer, market.authority, market.withdraw_item(7, buyer))
    assert market.owner(7) is None


def test_an_item_leaves_alone_after_ten_minutes(market: Market) -> None:
    """Counted anew for a new owner."""
    seller, buyer = market.deposited(SOL), market.deposited(SOL)
    market.must(seller, market.authority, market.deposit_item(7, seller))
    ask = market.call("request_item", [(m.item_of(7), "w"), (seller, "s")])
    market.must(seller, ask)
    market.must(market.authority, market.settle(1, [(7, buyer)], []))
    market.at(m.NOW + 600)
    assert market.refused(buyer, market.withdraw_item(7, buyer, authority="")) == TOO_EARLY
    market.must(buyer, market.call("request_item", [(m.item_of(7), "w"), (buyer, "s")]))
    market.at(m.NOW + 1_200)

    market.must(buyer, market.withdraw_item(7, buyer, authority=""))


def test_an_item_is_deposited_with_the_real_token_program(shared: Market) -> None:
    """Not with an account that calls itself one, nor an empty token, nor another's, nor to another's escrow."""
    owner, thief = shared.wallet(), shared.wallet()
    mint = Pubkey.from_bytes(hashlib.sha256(b"mint").digest())

    def token(holder: Pubkey, amount: int, program: Pubkey = m.TOKEN) -> Pubkey:
        key = Keypair().pubkey()
        shared.vm.set_account(key, Account(SOL, m.token_account(mint, holder, amount), program))
        return key

    fake_program = Pubkey.from_bytes(b"\x09" * 32)
    attacks = {
        "program": {"token": (fake_program, "")},
        "another's account": {"source": (token(owner.pubkey(), 1, thief.pubkey()), "w")},
        "nothing": {"source": (token(owner.pubkey(), 0), "w")},
        "two": {"source": (token(owner.pubkey(), 2), "w")},
        "another's": {"source": (token(thief.pubkey(), 1), "w")},
        "own escrow": {"source": (token(owner.pubkey(), 1), "w"), "escrow": (token(owner.pubkey(), 0), "w")},
        "used escrow": {"source": (token(owner.pubkey(), 1), "w"), "escrow": (token(m.VAULT, 1), "w")},
    }
    refusals = {
        name: shared.refused(owner, shared.authority, shared.deposit_item(900, owner, **swapped))
        for name, swapped in attacks.items()
    }

    assert refusals == dict.fromkeys(attacks, WRONG_TOKEN)


def test_an_item_needs_the_authoritys_number(shared: Market) -> None:
    """Nobody takes another's number, and none is taken twice."""
    owner, other = shared.wallet(), shared.wallet()
    unsigned = shared.deposit_item(801, owner, authority=(shared.authority, ""))
    shared.must(other, shared.authority, shared.deposit_item(802, other))
    mint = Pubkey.from_bytes(hashlib.sha256(u64(803)).digest())
    shared.deposit_item(803, owner)  # makes its accounts
    source, escrow = (Pubkey.from_bytes(hashlib.sha256(bytes(mint) + one).digest()) for one in (b"from", b"escrow"))
    taken = shared.deposit_item(802, owner, source=(source, "w"), escrow=(escrow, "w"))

    assert shared.refused(owner, unsigned) == UNAUTHORIZED
    assert shared.refused(owner, shared.authority, taken) == ALREADY_THERE


def test_while_it_is_paused_only_exits_work(market: Market) -> None:
    """And only the authority pauses."""
    wallet, other = market.deposited(SOL), market.deposited(SOL)
    pause = [(m.CONFIG, "w"), (market.authority, "s")]
    assert market.refused(other, market.call("set_paused", [(m.CONFIG, "w"), (other, "s")], b"\1")) == UNAUTHORIZED
    market.must(market.authority, market.call("set_paused", pause, b"\1"))

    assert market.refused(market.authority, market.settle(1, [], [(wallet, 5), (other, -5)])) == PAUSED
    assert market.refused(market.authority, market.begin(1, 1)) == PAUSED
    market.must(wallet, market.authority, withdrawal(market, wallet, 5, "s"))
    market.must(market.authority, market.call("set_paused", pause, b"\0"))
    market.must(market.authority, market.settle(1, [], [(wallet, 5), (other, -5)]))


def test_it_is_initialised_once(market: Market) -> None:
    """Nobody becomes the authority later."""
    thief = market.wallet()
    again = market.call("initialize", [(m.CONFIG, "w"), (thief, "sw"), (m.SYSTEM, "")])

    assert market.refused(thief, again) == ALREADY_THERE


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


class Session:
    """An owner who lets a key trade, with the text that a wallet has shown."""

    def __init__(self, market: Market) -> None:
        self.market, self.owner, self.key = market, market.wallet(), Keypair().pubkey()
        self.volume, self.expires_at = 5_000, m.NOW + 3_600

    def text(self) -> bytes:
        line = f"- counterpart:session:{self.key}:{self.volume}:{self.expires_at}"
        return (
            f"app wants you to sign in with your Solana account:\n{self.owner.pubkey()}\n\nResources:\n{line}".encode()
        )

    def signed(self, text: bytes | None = None, signer: Keypair | None = None, inside: int = 0xFFFF) -> Instruction:
        """The instruction of the Ed25519 program."""
        text, signer = text or self.text(), signer or self.owner
        head = struct.pack("<BBHHHHHHH", 1, 0, 48, inside, 16, inside, 112, len(text), inside)
        content = head + bytes(signer.pubkey()) + bytes(signer.sign_message(text)) + text
        return Instruction(m.ED25519, content, [])

    def account(self) -> Pubkey:
        return pda(b"session_key", bytes(self.owner.pubkey()), bytes(self.key))

    def register(self, sysvar: Pubkey = m.INSTRUCTIONS) -> Instruction:
        accounts = [(self.account(), "w"), (self.owner, "sw"), (self.key, ""), (sysvar, ""), (m.SYSTEM, "")]
        body = settlement.register_session_key_data(self.volume, self.expires_at)[8:]
        return self.market.call("register_session_key", accounts, body)


@pytest.fixture
def session(shared: Market) -> Session:
    return Session(shared)


def test_a_session_key_is_registered_and_revoked(session: Session) -> None:
    """By its owner, for good."""
    market = session.market
    market.must(session.owner, session.signed(), session.register())
    account = market.vm.get_account(session.account())
    assert account is not None
    assert account.data[8:40] == bytes(session.owner.pubkey())
    assert account.data[40:72] == bytes(session.key)
    assert struct.unpack_from("<QqQ", account.data, 72) == (5_000, session.expires_at, 0)

    thief = market.wallet()
    by_thief = market.call("revoke_session_key", [(session.account(), "w"), (thief, "s")])
    assert market.refused(thief, by_thief) == NOT_OWNER
    market.must(session.owner, market.call("revoke_session_key", [(session.account(), "w"), (session.owner, "s")]))
    revoked = market.vm.get_account(session.account())
    assert revoked is not None
    assert struct.unpack_from("<Q", revoked.data, 88) == (1,)
    assert market.refused(session.owner, session.signed(), session.register()) == ALREADY_THERE


def test_a_session_key_needs_the_text_that_the_owner_signed(session: Session) -> None:
    """No text, another's signature, another key, another volume, another time, another place of the signature."""
    market, owner = session.market, session.owner
    other = Session(market)
    other.owner = owner
    richer = session.text().replace(b":5000:", b":50000:")
    memo = market.call("set_paused", [(m.CONFIG, "w"), (market.authority, "s")], b"\0")
    refusals = [
        market.refused(owner, session.register()),
        market.refused(owner, session.signed(signer=market.wallet()), session.register()),
        market.refused(owner, other.signed(), session.register()),
        market.refused(owner, session.signed(richer), session.register()),
        market.refused(owner, session.signed(session.text() + b"0"), session.register()),
        market.refused(owner, session.signed(inside=0), session.register()),
        market.refused(owner, market.authority, session.signed(), memo, session.register()),
    ]

    assert refusals == [NOT_SIGNED] * len(refusals)


def test_a_session_key_is_for_a_year_at_most(session: Session) -> None:
    """And not for the past, nor for nothing; and the list of instructions is the cluster's own."""
    market, owner = session.market, session.owner
    refusals = []
    for volume, expires_at in ((5_000, m.NOW), (5_000, m.NOW + 367 * 86_400), (0, m.NOW + 60)):
        session.volume, session.expires_at = volume, expires_at
        refusals.append(market.refused(owner, session.signed(), session.register()))
    session.volume, session.expires_at = 5, m.NOW + 60

    assert refusals == [SESSION_UNFIT] * 3
    assert market.refused(owner, session.signed(), session.register(sysvar=m.CLOCK)) == WRONG_ACCOUNT


def test_an_unknown_instruction_is_refused(shared: Market) -> None:
    """So is none at all."""
    calls = [Instruction(m.PROGRAM, content, []) for content in (b"", bytes(7), bytes(8))]

    refusals = {shared.refused(shared.authority, call) for call in calls}

    assert refusals == {"InstructionErrorFieldless.InvalidInstructionData"}


def test_the_idl_is_of_this_program(shared: Market) -> None:
    """The names that it knows, the sizes of its accounts, the errors of its header."""
    idl = json.loads((ROOT / "infra/contracts/netting/idl.json").read_text(encoding="utf-8"))
    header = (ROOT / "infra/contracts/netting/state.h").read_text(encoding="utf-8")
    body = {"u64": 8, "i64": 8, "pubkey": 32}
    sizes = {one["name"]: one["type"]["fields"] for one in idl["types"]}
    unknown = [
        one["name"]
        for one in idl["instructions"]
        if "InvalidInstructionData"
        in str(shared.refused(shared.authority, Instruction(m.PROGRAM, bytes(one["discriminator"]) + bytes(99), [])))
    ]
    wallet = shared.deposited(SOL)
    account = shared.vm.get_account(ledger_of(wallet.pubkey()))

    assert unknown == []
    assert account is not None
    assert len(account.data) == 8 + sum(body[field["type"]] for field in sizes["Ledger"])
    told = {int(code) for code in re.findall(r"= (6\d{3}),", header)}
    assert {one["code"] for one in idl["errors"]} == told


without_compiler = pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"there is no {COMPILER} here")


@without_compiler
def test_the_committed_program_is_its_source() -> None:
    """Byte for byte; it runs without its compiler."""
    assert build() == m.ARTIFACT.read_bytes()


@without_compiler
@pytest.mark.parametrize(
    "source",
    [
        "static unsigned long count; unsigned long entrypoint(void) { return ++count; }",
        'const char *const names[] = {"a", "b"}; unsigned long entrypoint(long *in) { return names[*in][0]; }',
        "unsigned long another(void) { return 0; }",
    ],
    ids=["writable memory", "addresses in constants", "no entrypoint"],
)
def test_what_the_loader_does_not_take_is_not_linked(tmp_path: Path, source: str) -> None:
    """Said when it is built, not when it crashes."""
    (tmp_path / "a.c").write_text(source, encoding="utf-8")

    with pytest.raises(Unlinkable):
        build(tmp_path / "a.c")
