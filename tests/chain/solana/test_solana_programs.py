"""Durable nonces, lookup tables and token transfers on a real node."""

from collections.abc import Callable
from pathlib import Path

import pytest
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey

from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.keys.solana import SEED_SIZE_BYTES, LocalSolanaSigner
from kernel.solana.accounts import AccountUnfit
from kernel.solana.addresses import MEMO_PROGRAM, TOKEN_PROGRAM, associated_token_address
from kernel.solana.lookup_tables import create_table, extend_table
from kernel.solana.nonces import create_nonce
from kernel.solana.pool import SolanaPool
from kernel.solana.refusals import Refusal
from kernel.solana.statuses import SignatureStatus
from kernel.solana.tokens import create_token_account, token_transfer
from kernel.solana.transactions import (
    AccountUse,
    DurableNonce,
    Instruction,
    LookupTable,
    SignedSolanaTransaction,
    compile_message,
    system_transfer,
    with_signatures,
)

pytestmark = pytest.mark.chain

RECEIVER = base58.encode(bytes([7] * 32))
NONCE, OWNER = LocalSolanaSigner(bytes([2] * 32)), LocalSolanaSigner(bytes([3] * 32))
MANY = tuple(base58.encode((n + 1000).to_bytes(32, "big")) for n in range(40))


def signed(
    pool: SolanaPool,
    payer: LocalSolanaSigner,
    *instructions: Instruction,
    nonce: DurableNonce | None = None,
    tables: tuple[LookupTable, ...] = (),
) -> SignedSolanaTransaction:
    """Signed by whoever must."""
    blockhash = None if nonce else pool.latest_blockhash().value
    message = compile_message(
        payer.address, instructions, blockhash=blockhash, durable_nonce=nonce, lookup_tables=tables
    )
    return with_signatures(message, {one.address: one.sign_message(message) for one in (payer, NONCE, OWNER)})


def landed(chain: SolanaNode, pool: SolanaPool, transaction: SignedSolanaTransaction) -> SignatureStatus | None:
    """Send it and make a block."""
    pool.broadcast(transaction.raw)
    chain.mine(2)
    return pool.statuses([transaction.signature])[0]


def test_bytes_with_a_durable_nonce_outlive_any_blockhash(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """They land hundreds of blocks later, once; what else was signed with the same value never does."""
    assert landed(chain, pool, signed(pool, payer, *create_nonce(payer.address, NONCE.address, OWNER.address)))
    chain.finalize()
    first = pool.agreed_nonce_account(NONCE.address)
    durable = DurableNonce(NONCE.address, first.authority, first.blockhash)
    early = signed(pool, payer, system_transfer(payer.address, RECEIVER, LAMPORTS_PER_SOL), nonce=durable)
    rival = signed(pool, payer, system_transfer(payer.address, RECEIVER, 2 * LAMPORTS_PER_SOL), nonce=durable)
    chain.expire()
    chain.expire()
    status = landed(chain, pool, early)
    second = pool.nonce_account(NONCE.address)

    assert status is not None
    assert (None, OWNER.address) == (status.error, first.authority)
    assert first.blockhash != second.blockhash
    assert landed(chain, pool, rival) is None
    assert LAMPORTS_PER_SOL == pool.balance_lamports(RECEIVER, "processed")


def test_a_failed_transaction_with_a_durable_nonce_cannot_come_back(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """An overdraft lands and fails; its bytes are known ever after. (Agave advances the nonce; Surfpool does not.)"""
    landed(chain, pool, signed(pool, payer, *create_nonce(payer.address, NONCE.address, OWNER.address)))
    first = pool.nonce_account(NONCE.address)
    durable = DurableNonce(NONCE.address, first.authority, first.blockhash)
    overdraft = signed(pool, payer, system_transfer(payer.address, RECEIVER, 2**62), nonce=durable)
    status = landed(chain, pool, overdraft)

    assert status is not None
    assert {"InstructionError": [1, {"Custom": 1}]} == status.error
    assert [Refusal.KNOWN] * 2 == [delivery.refusal for delivery in pool.broadcast(overdraft.raw)]


def test_what_is_no_nonce_account_is_told(chain: SolanaNode, pool: SolanaPool) -> None:
    """Neither an absent account nor somebody's wallet."""
    for address in (RECEIVER, chain.payer):
        with pytest.raises(AccountUnfit):
            pool.agreed_nonce_account(address)


def test_a_transaction_too_wide_for_a_packet_goes_by_a_lookup_table(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """Made, filled and used: 42 accounts in one transaction."""
    create, address = create_table(payer.address, payer.address, recent_slot=pool.slot("finalized"))
    made = landed(chain, pool, signed(pool, payer, create))
    filled = [
        landed(chain, pool, signed(pool, payer, step))
        for step in extend_table(address, payer.address, payer.address, MANY)
    ]
    table = LookupTable(address, pool.lookup_table(address))
    plain = system_transfer(payer.address, RECEIVER, LAMPORTS_PER_SOL)
    wide = Instruction(plain.program, (*plain.accounts, *map(AccountUse, MANY)), plain.data)
    used = landed(chain, pool, signed(pool, payer, wide, tables=(table,)))

    assert [None] * 4 == [status and status.error for status in (made, *filled, used)]
    assert None not in (made, used)
    assert MANY == table.addresses
    assert LAMPORTS_PER_SOL == pool.balance_lamports(RECEIVER, "processed")


def test_tokens_go_from_one_owner_to_another(chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """Both accounts are made on the way, twice without harm; the transaction tells what moved."""
    mint = base58.encode(bytes([9] * 32))
    make_mint(chain, mint, decimals=6)
    source, target = (associated_token_address(owner, mint) for owner in (OWNER.address, RECEIVER))
    makers = [create_token_account(payer.address, owner, mint=mint) for owner in (OWNER.address, RECEIVER)]
    made = landed(chain, pool, signed(pool, payer, *makers))
    again = landed(chain, pool, signed(pool, payer, *reversed(makers)))
    chain.rpc("surfnet_setTokenAccount", OWNER.address, mint, {"amount": 5_000_000})
    sent = signed(pool, payer, token_transfer(source, target, OWNER.address, mint=mint, amount=2_000_000, decimals=6))
    status = landed(chain, pool, sent)
    done = pool.transaction(sent.signature)

    assert [None] * 3 == [one and one.error for one in (made, again, status)]
    assert done is not None
    assert {source: (5_000_000, 3_000_000), target: (0, 2_000_000)} == {
        one.account: (one.amount_before, one.amount_after) for one in done.tokens
    }


def test_a_program_of_ones_own_is_there_from_the_start(start_solana: Callable[..., SolanaNode], tmp_path: Path) -> None:
    """The memo program's code under another address: it runs, and its logs can be read."""
    code, program = tmp_path / "memo.so", base58.encode(bytes([6] * 32))
    memo = LiteSVM().get_account(Pubkey.from_string(MEMO_PROGRAM))
    code.write_bytes(b"" if memo is None else bytes(memo.data))
    node = start_solana(paused=True, deploy={program: code})
    pool = SolanaPool([node.url], "localnet")
    payer = LocalSolanaSigner(node.payer_secret[:SEED_SIZE_BYTES])
    sent = signed(pool, payer, Instruction(program, (), b"hello"))
    landed(node, pool, sent)
    done = pool.transaction(sent.signature)
    pool.close()

    assert done is not None
    assert [(program, b"hello")] == [(one.program, one.data) for one in done.instructions]
    assert "Program log: hello" in done.logs


def make_mint(chain: SolanaNode, mint: str, *, decimals: int) -> None:
    """Write a mint without an authority: 82 bytes, as the token program keeps them."""
    content = bytes(36) + (10**15).to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)
    chain.set_account(mint, lamports=LAMPORTS_PER_SOL, owner=TOKEN_PROGRAM, content=content)
