"""Durable nonce accounts of tests: written into the chain, and advanced by somebody else."""

import struct

from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.hashes import sha256
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.nonces import DurableNonce, advance_nonce
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import compile_message, with_signatures
from tests.chain.outbox_solana.desk import Desk, recipient

VERSION_CURRENT, INITIALIZED, LAMPORTS_A_SIGNATURE = 1, 1, 5_000


def nonce_account(desk: Desk, name: str = "nonce", authority: str | None = None) -> str:
    """A nonce account that the desk's payer, or `authority`, may advance."""
    content = (
        struct.pack("<II", VERSION_CURRENT, INITIALIZED)
        + base58.decode(authority or desk.payer)
        + sha256(f"value of {name}".encode())
        + struct.pack("<Q", LAMPORTS_A_SIGNATURE)
    )
    desk.node.set_account(recipient(name), lamports=LAMPORTS_PER_SOL, owner=SYSTEM_PROGRAM, content=content)
    return recipient(name)


def value(desk: Desk, account: str, commitment: str = "confirmed") -> str:
    """The nonce's present value."""
    return SolanaPool((desk.node.url,), "localnet").nonce_account(account, commitment).blockhash


def advance_elsewhere(desk: Desk, account: str) -> None:
    """Another program that holds the same key advances the nonce, in the next block."""
    pool = SolanaPool((desk.node.url,), "localnet")
    advance = advance_nonce(DurableNonce(account, desk.payer, value(desk, account)))
    # The limit comes first, so that the node takes it for a transaction over its blockhash.
    message = compile_message(desk.payer, [advance], blockhash=pool.latest_blockhash().value, compute_unit_limit=1_000)
    pool.broadcast(with_signatures(message, {desk.payer: desk.signer.sign_message(message)}).raw)
    desk.node.mine()
