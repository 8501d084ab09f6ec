"""The identity of a chain event: the same for whoever reports it, another for each time that it happens."""

from dataclasses import replace

import pytest

from kernel.chain_events import ChainEvent, Delivery, EvmEvent, SolanaEvent, StarknetEvent, ToldEvent
from kernel.clock import SystemClock
from kernel.tasks import TaskSpec

pytestmark = pytest.mark.unit

EVM = EvmEvent(
    chain_id=14,
    block_number=7,
    block_hash=bytes([0xAA]) * 32,
    transaction_hash=bytes([0xBB]) * 32,
    log_index=3,
    address="0x" + "c0" * 20,
    topics=(bytes([0x11]) * 32,),
    data=b"\x00\xff",
)
STARKNET = StarknetEvent(
    network="sepolia",
    block_number=7,
    block_hash=bytes([0x0A]) * 32,
    transaction_hash=bytes([0x0B]) * 32,
    ordinal=1,
    address=0xE5C,
    keys=(2**250, 1),
    data=(0, 2**251),
)
SOLANA = SolanaEvent(
    cluster="devnet", slot=9, signature="5" * 88, instruction_path="2.1", program="Prog1", data=b"\x00\xff", ordinal=1
)


def test_an_evm_event_is_named_by_chain_block_transaction_and_index() -> None:
    """Occurrence and removal are named only where they are not the ordinary ones."""
    place = f"evm:14:{'aa' * 32}:{'bb' * 32}:3"

    assert EVM.identity == place
    assert EVM.retraction().identity == f"{place}:removed"
    assert replace(EVM, occurrence=2).identity == f"{place}:2"
    assert replace(EVM, occurrence=2).retraction().identity == f"{place}:2:removed"


def test_a_solana_event_is_named_by_signature_path_and_ordinal() -> None:
    """Not by its slot: after a fork the same transaction may land in another."""
    place = f"solana:devnet:{'5' * 88}:2.1:1"

    assert SOLANA.identity == place
    assert replace(SOLANA, slot=10).identity == place
    assert replace(SOLANA, occurrence=2).retraction().identity == f"{place}:2:removed"


def test_a_starknet_event_is_named_by_block_transaction_and_ordinal() -> None:
    """A block that returns is a further occurrence."""
    place = f"starknet:sepolia:{'0a' * 32}:{'0b' * 32}:1"

    assert STARKNET.identity == place
    assert replace(STARKNET, occurrence=2).retraction().identity == f"{place}:2:removed"


@pytest.mark.parametrize(
    "event",
    [
        EVM,
        EVM.retraction(),
        STARKNET,
        STARKNET.retraction(),
        SOLANA,
        replace(SOLANA, occurrence=3, succeeded=False),
        replace(EVM, occurrence=2),
    ],
)
def test_a_delivery_survives_json(event: ChainEvent) -> None:
    """What a task's payload carries is what the cursor delivered."""
    delivery = Delivery(watch="one", sequence=5, event=event)

    assert Delivery.from_json(delivery.to_json()) == delivery
    assert ToldEvent(**delivery.to_json()).delivery == delivery


@pytest.mark.parametrize("event", [EVM, SOLANA, STARKNET])
def test_the_longest_identity_is_a_business_key(event: ChainEvent) -> None:
    """Every identity fits into a task."""
    grown = {"chain_id": 2**63, "log_index": 10**6} if isinstance(event, EvmEvent) else {"ordinal": 10**6}
    longest = replace(event, occurrence=10**6, **grown).retraction()  # type: ignore[arg-type]  # fields by name
    spec = TaskSpec(kind="ops.hear", business_key=longest.identity, payload={}, run_at=SystemClock().now())

    assert spec.business_key == longest.identity


def test_an_event_of_the_other_family_is_refused() -> None:
    """A payload is read by the family that it names."""
    with pytest.raises(ValueError, match="none of an EVM chain"):
        EvmEvent.from_json(SOLANA.to_json())
    with pytest.raises(ValueError, match="none of Solana"):
        SolanaEvent.from_json(EVM.to_json())
    with pytest.raises(ValueError, match="none of Starknet"):
        StarknetEvent.from_json(EVM.to_json())


def test_a_path_is_numbers_with_dots() -> None:
    """Anything else would make identities that nobody else makes."""
    with pytest.raises(ValueError, match="numbers with dots"):
        replace(SOLANA, instruction_path="2.")
