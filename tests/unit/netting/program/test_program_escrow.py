"""Funds and items come in and leave: only to whom they belong, and never behind the authority's back."""

import hashlib
from typing import Any

import pytest
from solders.account import Account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import SOL, Market, ledger_of, u64
from tests.unit.netting.program.refusals import (
    ALREADY_THERE,
    INSUFFICIENT_FUNDS,
    NOT_OWNER,
    PAUSED,
    TOO_EARLY,
    UNAUTHORIZED,
    WRONG_ACCOUNT,
    WRONG_TOKEN,
)

pytestmark = pytest.mark.unit


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
