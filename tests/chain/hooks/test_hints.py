"""What a consumer may believe of an event that it was told: the final chain decides, and what it says counts."""

from dataclasses import replace

import pytest

from infra.local.anvil import AnvilNode
from kernel.chain_events import EvmEvent
from kernel.evm.blocks import Log
from kernel.evm.rpc import RpcPool
from kernel.testing import FakeClock
from kernel.watches.hints import Unsettled, settled
from tests.chain.cursors.emitter import Emitter

pytestmark = pytest.mark.chain

CONFIRMATIONS = 3


@pytest.fixture
def emitter(anvil: AnvilNode) -> Emitter:
    emitter = Emitter(anvil)
    anvil.mine(5)
    emitter.emit(2)
    return emitter


@pytest.fixture
def pool(anvil: AnvilNode) -> RpcPool:
    return RpcPool((anvil.url,), anvil.chain_id, FakeClock(), survey_ttl_s=0.0)


def newest(emitter: Emitter) -> EvmEvent:
    """The last log, as a webhook tells it."""
    wanted = {"address": emitter.address, "fromBlock": "0x0", "toBlock": "latest"}
    # The node answers before it has mined.
    emitter.node.child.wait_until(lambda: emitter.node.rpc("eth_getLogs", wanted) != [])
    log = Log.from_rpc(emitter.node.rpc("eth_getLogs", wanted)[-1])
    return EvmEvent(chain_id=emitter.node.chain_id, **{name: getattr(log, name) for name in Log.__slots__})


def test_an_event_is_open_until_its_block_is_final(emitter: Emitter, pool: RpcPool) -> None:
    """Its own block counts as the first of its confirmations."""
    told = newest(emitter)
    answers = []
    for _ in range(CONFIRMATIONS):
        answers.append(settled(pool, told, CONFIRMATIONS))
        emitter.node.mine()

    assert answers == [Unsettled.OPEN, Unsettled.OPEN, told]
    assert settled(pool, told, None) == told


def test_contents_that_are_not_the_chain_s_are_not_taken(emitter: Emitter, pool: RpcPool) -> None:
    """Somebody with a webhook's secret tells another amount under the true identity: the chain's amount counts."""
    true = newest(emitter)
    lie = replace(true, address="0x" + "99" * 20, topics=(), data=b"\xff" * 32, block_number=1)
    emitter.node.mine(CONFIRMATIONS)

    assert settled(pool, lie, CONFIRMATIONS) == true


def test_a_height_that_was_told_is_not_believed(emitter: Emitter, pool: RpcPool) -> None:
    """Where the event's own block is not final, a final height makes it no final event."""
    true = newest(emitter)
    lie = replace(true, block_number=1)
    emitter.node.mine(1)

    assert settled(pool, lie, CONFIRMATIONS) is Unsettled.OPEN


def test_a_place_that_holds_no_such_log_is_gone(emitter: Emitter, pool: RpcPool) -> None:
    """Another index, another transaction, another block."""
    true = newest(emitter)
    emitter.node.mine(CONFIRMATIONS)
    places = [
        replace(true, log_index=true.log_index + 1),
        replace(true, transaction_hash=bytes(32)),
        replace(true, block_hash=bytes(32)),
    ]

    assert [settled(pool, place, CONFIRMATIONS) for place in places] == [Unsettled.GONE] * 3


def test_a_dropped_event_is_gone_and_so_says_its_retraction(emitter: Emitter, pool: RpcPool) -> None:
    """Both tasks end alike; a retraction whose block stayed brings the event itself."""
    dropped = newest(emitter)
    emitter.reorganise(1, [(0, 2)])
    stays = newest(emitter)
    emitter.node.mine(CONFIRMATIONS)

    assert dropped.block_hash != stays.block_hash
    assert [settled(pool, one, CONFIRMATIONS) for one in (dropped, dropped.retraction())] == [Unsettled.GONE] * 2
    assert [settled(pool, one, CONFIRMATIONS) for one in (stays, stays.retraction())] == [stays] * 2
