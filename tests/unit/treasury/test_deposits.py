"""What an event brings to a wallet, what the deposit is called, and where it goes on to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.ops.core.deposits import key_of, logged, moved, place_of
from kernel.chain_events import EvmEvent, SolanaEvent
from kernel.hashes import keccak256
from kernel.treasury.deposits import DEPOSITED
from kernel.treasury.inlets import Inlet, InletRecord, InletUnfit

pytestmark = pytest.mark.unit
WALLET = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
OTHER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
AMOUNT = 10**18 + 7


def word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


LOG = EvmEvent(
    chain_id=1,
    block_number=9,
    block_hash=bytes([1]) * 32,
    transaction_hash=bytes([2]) * 32,
    log_index=3,
    address=OTHER,
    topics=(DEPOSITED, word(OTHER), word(WALLET)),
    data=AMOUNT.to_bytes(32),
)
TRANSACTION = SolanaEvent(cluster="mainnet", slot=9, signature="5" * 88, instruction_path="", program="", data=b"")
INLET = InletRecord(
    chain="evm:1",
    address=OTHER,
    wallet=WALLET,
    forward_to=OTHER,
    least=100,
    start_block=0,
    declared_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_the_topic_is_the_hash_of_the_event_s_signature() -> None:
    """As the contract logs it."""
    assert keccak256(b"Deposited(address,address,uint256)") == DEPOSITED


def test_a_log_brings_its_amount_to_the_wallet_that_it_names() -> None:
    """And nothing to another."""
    assert (logged(LOG, DEPOSITED, WALLET), logged(LOG, DEPOSITED, OTHER)) == (AMOUNT, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"topics": (bytes(32), word(OTHER), word(WALLET))},  # another event
        {"topics": (DEPOSITED, word(WALLET))},  # nothing but a sender
        {"topics": (DEPOSITED, word(OTHER), word(WALLET), word(WALLET))},
        {"topics": (DEPOSITED, word(OTHER), b"\x01" + word(WALLET)[1:])},  # a word that is no address
        {"data": b""},
        {"data": AMOUNT.to_bytes(33)},
    ],
)
def test_another_log_brings_nothing(change: dict[str, object]) -> None:
    """However near it comes."""
    assert logged(replace(LOG, **change), DEPOSITED, WALLET) == 0  # type: ignore[arg-type]  # fields by name


def test_a_transaction_brings_what_the_wallet_has_more() -> None:
    """What it has less is no deposit, nor is a wallet that it does not touch."""
    held = {"ada": (5, 12), "bob": (12, 5)}

    assert [moved(held, one) for one in ("ada", "bob", "eve")] == [7, 0, 0]


def test_a_deposit_is_called_after_the_place_of_its_event() -> None:
    """Also where a retraction tells it, or an event that came back; on Solana each wallet has its own."""
    again = replace(LOG, occurrence=2).retraction()

    assert place_of(again) == LOG.identity == key_of(again, WALLET)
    assert key_of(TRANSACTION.retraction(), "ada") == f"{TRANSACTION.identity}:ada"


def test_a_deposit_goes_on_from_the_least_amount_up() -> None:
    """Where nothing is declared, nothing goes on."""
    assert [INLET.onward(amount) for amount in (99, 100)] == [None, OTHER]
    assert replace(INLET, forward_to=None).onward(100) is None


@pytest.mark.parametrize("change", [{"least": 0}, {"forward_to": WALLET}])
def test_an_inlet_that_would_cost_or_circle_is_refused(change: dict[str, object]) -> None:
    """Anybody could make it pay fees."""
    terms = {"chain": "evm:1", "address": OTHER, "wallet": WALLET, "forward_to": OTHER, "least": 1}

    with pytest.raises(InletUnfit):
        Inlet(**{**terms, **change})  # type: ignore[arg-type]  # fields by name


def test_a_watch_s_name_is_one_whatever_the_chain() -> None:
    """Small letters, 80 at most."""
    solana = replace(INLET, chain="solana:localnet", address="E" * 44)

    assert INLET.watch == f"ops.inlet:evm:1:{OTHER.lower()}"
    assert len(replace(INLET, chain="evm:" + "9" * 19).watch) <= 80 >= len(solana.watch)
