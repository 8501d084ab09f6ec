"""Chains that grow, fork and return at random, told by three endpoints of which one may do anything."""

import random
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from kernel.chain_events import Delivery, StarknetEvent
from kernel.evm.log_cursor import ChainUnread
from kernel.jsonrpc.quorum import NoQuorum
from tests.integration.bridge.starknet.bench import Bench
from tests.integration.bridge.starknet.network import Chain, Faults, Network

pytestmark = pytest.mark.integration

STEPS = 25
DELIVERED = """
    select payload from kernel.tasks where payload->>'watch' = %(watch)s order by (payload->>'sequence')::bigint
"""


def standing(bench: Bench, watch: str) -> list[tuple[int, int]]:
    """What a consumer holds true at last: block hashes and transactions. A delivery that makes no sense to it fails."""
    true: dict[tuple[int, int], int] = {}
    with bench.postgres.transaction() as tx:
        rows = tx.all(DELIVERED, watch=watch)
    for row in rows:
        event = Delivery.from_json(row["payload"]).event
        assert isinstance(event, StarknetEvent)
        place = (int.from_bytes(event.block_hash, "big"), int.from_bytes(event.transaction_hash, "big"))
        if event.removed:
            assert true.pop(place) == event.occurrence
        else:
            assert place not in true
            true[place] = event.occurrence
    return list(true)


def odd(network: Network, dice: random.Random) -> Faults:
    """What the one endpoint does this time."""
    blocks = network.chain.blocks
    spoken = [one.transaction_hash for block in blocks for one in block.spoken]
    fork = network.chain.fork(dice.randrange(1, len(blocks) + 1))
    for _ in range(dice.randrange(1, 6)):
        fork.mine(network.set_order(666))
    return dice.choice(
        [
            Faults(),
            Faults(lags=dice.randrange(len(blocks))),
            Faults(away=True),
            Faults(chain=fork),
            Faults(leaves_out=set(dice.sample(spoken, len(spoken) // 2)), receipts_lie=dice.random() < 0.5),
            Faults(invents=[(dice.choice(blocks).number, network.set_order(667))], receipts_lie=dice.random() < 0.5),
            Faults(page_max=1, token_loops=True),
        ]
    )


def live(bench: Bench, dice: random.Random, watch: str) -> None:
    """One network's life, and a cursor that follows it."""
    network = bench.network = Network()
    network.mine()
    left: list[Chain] = []
    for number in range(STEPS):
        what = dice.random()
        if what < 0.15 and len(network.chain.blocks) > 1:
            left.append(network.chain)
            network.chain = network.chain.fork(dice.randrange(1, len(network.chain.blocks)))
        elif what < 0.2 and left:
            left.append(network.chain)
            network.chain = Chain(dice.choice(left).blocks)
        for nth in range(dice.randrange(4)):
            orders = [network.set_order(100 * number + 10 * nth + one) for one in range(dice.randrange(3))]
            network.mine(*orders)
        turn(bench, watch, odd(network, dice), Faults(lags=dice.randrange(min(2, len(network.chain.blocks)))), Faults())
    # Past the highest block that was ever read, with honest endpoints.
    for _ in range(1 + max(len(one.blocks) for one in [*left, network.chain]) - len(network.chain.blocks)):
        network.mine()
    turn(bench, watch, Faults(), Faults(), Faults())


def turn(bench: Bench, watch: str, *faults: Faults) -> None:
    """One turn of a new process over endpoints with these faults."""
    with ExitStack() as endpoints, suppress(ChainUnread, NoQuorum):
        bench.advance(bench.pool(*faults, stack=endpoints), name=watch)


@pytest.mark.timeout(1_200)
def test_what_is_delivered_is_what_the_chain_says(bench: Bench, volume: Callable[[int, int], int]) -> None:
    """Whatever happened, the consumer at last holds the deposits of the chain, in its order, and no others."""
    for seed in range(volume(2, 150)):
        watch = f"fork{seed}"

        live(bench, random.Random(seed), watch)

        chain = [(block.hash, one.transaction_hash) for block in bench.network.chain.blocks for one in block.spoken]
        assert sorted(chain) == sorted(standing(bench, watch)), seed
