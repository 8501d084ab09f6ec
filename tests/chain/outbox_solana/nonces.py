"""Durable nonce accounts of tests: written into the chain, and advanced by somebody else."""

import struct
from typing import Protocol

from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.hashes import sha256
from kernel.keys.solana import SolanaSigner
from kernel.solana.addresses import SYSTEM_PROGRAM
from kernel.solana.nonces import DurableNonce, advance_nonce
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import compile_message, with_signatures
from tests.chain.outbox_solana.desk import Desk, recipient

VERSION_CURRENT, INITIALIZED, LAMPORTS_A_SIGNATURE = 1, 1, 5_000


class Holder(Protocol):
    """Whoever holds the key that may advance a nonce."""

    @property
    def node(self) -> SolanaNode: ...
    @property
    def payer(self) -> str: ...
    @property
    def signer(self) -> SolanaSigner: ...


def nonce_account(desk: Desk, name: str = "nonce", authority: str | None = None) -> str:
    """A nonce account that the desk's payer, or `authority`, may advance."""
    open_nonce(desk.node, recipient(name), authority or desk.payer)
    return recipient(name)


def open_nonce(node: SolanaNode, account: str, authority: str) -> None:
    """Make the account one of a durable nonce, whose first value follows from its address."""
    content = (
        struct.pack("<II", VERSION_CURRENT, INITIALIZED)
        + base58.decode(authority)
        + sha256(f"value of {account}".encode())
        + struct.pack("<Q", LAMPORTS_A_SIGNATURE)
    )
    node.set_account(account, lamports=LAMPORTS_PER_SOL, owner=SYSTEM_PROGRAM, content=content)


def value(desk: Holder, account: str, commitment: str = "confirmed") -> str:
    """The nonce's present value."""
    return SolanaPool((desk.node.url,), "localnet").nonce_account(account, commitment).blockhash


def advance_elsewhere(desk: Holder, account: str) -> None:
    """Another program that holds the same key advances the nonce, in the next block."""
    pool = SolanaPool((desk.node.url,), "localnet")
    advance = advance_nonce(DurableNonce(account, desk.payer, value(desk, account)))
    # The limit comes first, so that the node takes it for a transaction over its blockhash.
    message = compile_message(desk.payer, [advance], blockhash=pool.latest_blockhash().value, compute_unit_limit=1_000)
    pool.broadcast(with_signatures(message, {desk.payer: desk.signer.sign_message(message)}).raw)
    desk.node.mine()
