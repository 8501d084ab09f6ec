"""The pool of Solana's endpoints against a real node under two identities."""

import pytest

from infra.local.solana import BLOCKHASH_BLOCKS, LAMPORTS_PER_SOL, SolanaNode
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.pool import SolanaPool
from kernel.solana.refusals import Refusal
from kernel.solana.statuses import Confirmation
from kernel.solana.transactions import (
    compile_message,
    system_transfer,
    unsigned,
)
from tests.chain.solana.transfers import RECEIVER, transfer

pytestmark = pytest.mark.chain


def test_a_transfer_goes_all_its_way(chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """Unknown, confirmed, final; and afterwards the history and the transaction tell what it moved."""
    signed = transfer(pool, payer)
    (unknown,) = pool.statuses([signed.signature])
    deliveries = pool.broadcast(signed.raw)
    chain.mine()
    (landed,) = pool.agreed_statuses([signed.signature])
    chain.finalize()
    (final,) = pool.agreed_statuses([signed.signature])
    done = pool.transaction(signed.signature)

    assert unknown is None
    assert [True, True] == [delivery.accepted for delivery in deliveries]
    assert landed is not None
    assert final is not None
    assert (Confirmation.CONFIRMED, Confirmation.FINALIZED) == (landed.confirmation, final.confirmation)
    assert done is not None
    assert (signed.signature, None, 5_000, final.slot) == (done.signature, done.error, done.fee_lamports, done.slot)
    assert (LAMPORTS_PER_SOL, -LAMPORTS_PER_SOL - 5_000) == (
        done.lamports_moved(RECEIVER),
        done.lamports_moved(payer.address),
    )
    assert LAMPORTS_PER_SOL == pool.balance_lamports(RECEIVER) == pool.agreed_balance_lamports(RECEIVER)
    assert signed.signature in [seen.signature for seen in pool.signatures_for(RECEIVER)]


def test_a_blockhash_lives_for_150_blocks(chain: SolanaNode, pool: SolanaPool) -> None:
    """The last valid height is the head's and the life of a blockhash."""
    blockhash = pool.latest_blockhash()

    assert chain.height() + BLOCKHASH_BLOCKS == blockhash.last_valid_block_height


def test_a_simulation_tells_units_and_errors(chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner) -> None:
    """An unsigned message is run; an overdraft is told with its logs."""
    simulations = []
    for lamports in (LAMPORTS_PER_SOL, 2**62):
        message = compile_message(
            payer.address, [system_transfer(payer.address, RECEIVER, lamports)], blockhash=RECEIVER
        )
        simulations.append(pool.prospect((), unsigned(message)).simulation)

    assert [(150, None), (150, {"InstructionError": [0, {"Custom": 1}]})] == [
        (one.units, one.error) for one in simulations
    ]
    assert any("insufficient lamports" in line for line in simulations[1].logs)


def test_bytes_that_the_chain_knows_are_as_good_as_accepted(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """Sending what has landed changes nothing, and says so."""
    signed = transfer(pool, payer)
    pool.broadcast(signed.raw)
    chain.mine()
    again = pool.broadcast(signed.raw)

    assert [(True, Refusal.KNOWN)] * 2 == [(delivery.accepted, delivery.refusal) for delivery in again]


def test_what_others_paid_lately_is_a_list_of_prices(
    chain: SolanaNode, pool: SolanaPool, payer: LocalSolanaSigner
) -> None:
    """For the accounts written to, as many as the RPC takes, and each named once."""
    pool.broadcast(transfer(pool, payer).raw)
    chain.mine(2)
    many = [base58.encode(n.to_bytes(32, "big")) for n in range(1, 200)]

    assert all(price >= 0 for price in pool.prospect([payer.address, payer.address, *many]).recent_fees)
