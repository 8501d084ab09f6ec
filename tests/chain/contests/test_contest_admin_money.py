"""Administrators' transfers on a real cluster, and the fee payer's books after all of it."""

import struct

import pytest

from functions.contests.adapters.admin_transfers import Asked, Wanted
from functions.contests.adapters.effects import TRANSFER_UNITS, outbox_of
from infra.local.netting.minting import MINT_LAMPORTS, open_token_account
from infra.local.solana import SolanaNode
from kernel.solana.addresses import TOKEN_PROGRAM, associated_token_address
from kernel.treasury.checking import Checks
from kernel.treasury.reconciliation import Balanced
from kernel.treasury.solana import SolanaDesk
from kernel.treasury.switch import KillSwitch
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import OperatorWallet
from tests.chain.contests.cashier import CHAIN, FEE, SOL, Cashier

pytestmark = pytest.mark.chain

UNITS = 5_000_000


def tokens(node: SolanaNode, mint: str, holder: str) -> int:
    """What a holder has of a mint, at its usual account."""
    told = node.rpc("getTokenAccountBalance", associated_token_address(holder, mint))
    return int(told["value"]["amount"])


def test_tokens_move_to_accounts_that_are_opened_for_them(cashier: Cashier) -> None:
    """The fee payer pays their rent; the mint's decimals are the chain's."""
    contest = cashier.contest("duel", 2, state="raked")
    cashier.adopt(contest)
    node, wallet, mint = cashier.node, cashier.wallet(contest), cashier.entrant("a mint", 0)
    content = struct.pack("<36xQBB36x", UNITS, 6, 1)
    node.set_account(mint, lamports=MINT_LAMPORTS, owner=TOKEN_PROGRAM, content=content)
    open_token_account(node, mint, wallet, amount=UNITS)
    node.finalize()
    recipients = [cashier.entrant("holder", number) for number in range(2)]
    asked = Asked(batch="airdrop", source=wallet, actor="ada", reason="what was sent by mistake", mint=mint)
    lines = [Wanted(0, recipients[0], UNITS - 1), Wanted(1, recipients[1], 1)]
    for _ in range(2):
        cashier.admin().admin_transfers.transfer(asked, lines)
    cashier.work()

    held = [tokens(node, mint, holder) for holder in (*recipients, wallet)]
    assert [UNITS - 1, 1, 0] == held
    assert 2 * FEE == cashier.balance(wallet) == cashier.booked(contest)


def test_the_fee_payers_books_agree_after_payments_sweeps_and_reclaims(cashier: Cashier) -> None:
    """An advance, a payout, a sweep, a reclaim to the treasury and a transfer out: all of it is explained."""
    treasury, checks = books(cashier)
    wallet = OperatorWallet(service="contests", chain=CHAIN, address=cashier.fee_payer, floor=0, target=0)
    treasury.declare(wallet, actor="ada", reason="pays the fees")
    cashier.node.finalize()
    checks.check(CHAIN, cashier.fee_payer)
    cashier.node.mine()  # the books begin with this slot, and count what comes after it
    contest = cashier.contest("duel", 3)
    cashier.adopt(contest)
    cashier.rank(contest, [(cashier.entrant("duel", 0), 3 * FEE - 1)])
    cashier.work()
    other = cashier.contest("other", 3)
    cashier.adopt(other)
    cashier.rank(other, [(cashier.entrant("other", 0), FEE)])
    cashier.work()
    cashier.rake()
    cashier.work()
    deps = cashier.admin()
    rest = Asked(batch="rest", source=cashier.wallet(other), actor="ada", reason="over")
    deps.admin_transfers.reclaim(rest, 0)
    out = Asked(batch="out", source=cashier.fee_payer, actor="ada", reason="expenses")
    deps.admin_transfers.transfer(out, [Wanted(0, cashier.entrant("staff", 0), SOL)])
    cashier.work()
    cashier.node.finalize()

    found = checks.check(CHAIN, cashier.fee_payer)
    assert isinstance(found, Balanced), found
    # What was lent to the first, and a lamport: too little to be reclaimed.
    assert [890_881, 0] == [cashier.balance(cashier.wallet(one)) for one in (contest, other)]
    assert [890_881, 0] == [cashier.booked(one) for one in (contest, other)]


def books(cashier: Cashier) -> tuple[Treasury, Checks]:
    """The treasury as ops has it."""
    deps = cashier.deps
    desk = SolanaDesk(
        lambda payer: outbox_of(deps, payer),
        deps.pool,
        deps.settings.outbox_policy,
        cluster="localnet",
        transfer_units=TRANSFER_UNITS,
    )
    treasury = Treasury(cashier.office, lambda _: desk, cashier.clock)
    switch = KillSwitch(cashier.office, cashier.clock)
    return treasury, Checks(cashier.office, treasury, lambda _: desk, switch, cashier.clock)
