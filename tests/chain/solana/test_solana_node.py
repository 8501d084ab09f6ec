"""The local Solana chain, whose slots the tests turn by hand."""

import base64
import json
from collections.abc import Callable

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from websockets.sync.client import connect

from infra.local.cloud import LocalCloud
from infra.local.solana import BLOCKHASH_BLOCKS, FINALITY_SLOTS, LAMPORTS_PER_SOL, SolanaNode

pytestmark = pytest.mark.chain

SOMEBODY = Pubkey(bytes([7] * 32))


def test_blocks_come_by_themselves(solana: SolanaNode) -> None:
    """The clock makes blocks, and a fresh chain has final ones."""
    before = solana.slot()
    solana.child.wait_until(lambda: solana.slot() > before + 1)

    assert 0 < solana.height("finalized") < solana.height("processed")


def test_a_paused_chain_makes_the_blocks_it_is_told_to(start_solana: Callable[..., SolanaNode]) -> None:
    """Slot and height rise by exactly as many as were mined, and a sent transaction waits for its block."""
    node = start_solana(paused=True)
    slot, height = node.slot(), node.height()
    signature = send(node, transfer_of(node, SOMEBODY, 2 * LAMPORTS_PER_SOL))
    waiting = status(node, signature)
    node.mine(3)

    assert (None, "confirmed") == (waiting, status(node, signature))
    assert (slot + 3, height + 3) == (node.slot(), node.height())
    assert 2 * LAMPORTS_PER_SOL == node.balance(str(SOMEBODY))


def test_finality_is_a_number_of_slots(start_solana: Callable[..., SolanaNode]) -> None:
    """What has a block is final after FINALITY_SLOTS more, or after a jump over as many."""
    node = start_solana(paused=True)
    signature = send(node, transfer_of(node, SOMEBODY, LAMPORTS_PER_SOL))
    node.mine(FINALITY_SLOTS - 1)
    just_before = status(node, signature)
    node.mine()

    assert ("confirmed", "finalized") == (just_before, status(node, signature))


def test_a_blockhash_expires_by_blocks_and_not_by_a_jump(start_solana: Callable[..., SolanaNode]) -> None:
    """A jump over a thousand slots expires nothing; 150 blocks expire what was signed before them."""
    node = start_solana(paused=True)
    late, too_late = transfer_of(node, SOMEBODY, LAMPORTS_PER_SOL), transfer_of(node, SOMEBODY, LAMPORTS_PER_SOL + 1)
    node.jump(1_000)
    node.mine(BLOCKHASH_BLOCKS - 2)
    landed = send(node, late)
    node.mine()
    lost = send(node, too_late)
    node.expire()

    assert ("finalized", None) == (status(node, landed), status(node, lost))


def test_a_chain_survives_thousands_of_blocks(start_solana: Callable[..., SolanaNode]) -> None:
    """The queue of its events is drained: an undrained node stands still after some hundred blocks."""
    node = start_solana(paused=True)
    slot = node.slot()
    node.mine(1_500)

    assert slot + 1_500 == node.slot()


def test_subscribers_hear_of_a_signature(start_solana: Callable[..., SolanaNode]) -> None:
    """The node speaks WebSocket on a port of its own."""
    node = start_solana(paused=True)
    transaction = transfer_of(node, SOMEBODY, LAMPORTS_PER_SOL)
    with connect(node.ws_url) as socket:
        params = [str(transaction.signatures[0]), {"commitment": "confirmed"}]
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "signatureSubscribe", "params": params}))
        subscribed = json.loads(socket.recv(timeout=10))
        send(node, transaction)
        node.mine(2)
        heard = json.loads(socket.recv(timeout=10))

    assert "result" in subscribed
    assert {"err": None} == heard["params"]["result"]["value"]


def test_a_payer_can_be_kept_across_chains(start_solana: Callable[..., SolanaNode]) -> None:
    """A fresh chain with the payer of another takes the place of a snapshot."""
    first = start_solana(name="first")
    again = start_solana(name="again", payer_secret=first.payer_secret)

    assert (first.payer, first.balance(first.payer)) == (again.payer, again.balance(again.payer))


def test_the_local_cloud_has_a_solana_chain_under_two_identities() -> None:
    """LocalCloud.solana starts a chain behind the fault proxy."""
    with LocalCloud(parts=()) as cloud:
        node = cloud.solana()
        heights = [identity.url for identity in node.proxy.identities] if node.proxy else []

        assert 2 == len(set(heights)) == len(node.proxy_urls)


def transfer_of(node: SolanaNode, to: Pubkey, lamports: int) -> VersionedTransaction:
    """A transfer from the payer, signed with the latest blockhash."""
    payer = Keypair.from_bytes(node.payer_secret)
    instruction = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=lamports))
    blockhash = Hash.from_string(node.rpc("getLatestBlockhash")["value"]["blockhash"])
    return VersionedTransaction(MessageV0.try_compile(payer.pubkey(), [instruction], [], blockhash), [payer])


def send(node: SolanaNode, transaction: VersionedTransaction) -> str:
    """Send without a preflight; its signature."""
    raw = base64.b64encode(bytes(transaction)).decode()
    return str(node.rpc("sendTransaction", raw, {"encoding": "base64", "skipPreflight": True}))


def status(node: SolanaNode, signature: str) -> str | None:
    """The confirmation of a signature; None while it is unknown."""
    (found,) = node.rpc("getSignatureStatuses", [signature], {"searchTransactionHistory": True})["value"]
    return None if found is None else str(found["confirmationStatus"])
