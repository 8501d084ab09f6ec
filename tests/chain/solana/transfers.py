"""A transfer of lamports as the tests of Solana send it."""

from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.pool import SolanaPool
from kernel.solana.transactions import SignedSolanaTransaction, compile_message, system_transfer, with_signatures

RECEIVER = base58.encode(bytes([7] * 32))


def transfer(
    pool: SolanaPool, payer: LocalSolanaSigner, lamports: int = LAMPORTS_PER_SOL, *, units: int | None = 450
) -> SignedSolanaTransaction:
    """Lamports to RECEIVER, signed with the latest blockhash."""
    message = compile_message(
        payer.address,
        [system_transfer(payer.address, RECEIVER, lamports)],
        blockhash=pool.latest_blockhash().value,
        compute_unit_limit=units,
    )
    return with_signatures(message, {payer.address: payer.sign_message(message)})
