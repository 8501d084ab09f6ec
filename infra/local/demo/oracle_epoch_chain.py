"""What the chain holds of the oracle's whole show: every submission and every call of the relay, read block by block.

Nothing of the bundle reads here, so that what the scene judges by is its own.
"""

import threading
from dataclasses import dataclass
from typing import Any

from functions.oracle.core.epochs import LOCAL, Network, VotingEpoch
from functions.oracle.core.submissions import Submission
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node

BLOCKS_PER_BATCH = 20
SUCCEEDED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCall:
    """A call of the relay: who sent it, when, and whether it went through. The sender is lower-case."""

    sender: str
    calldata: bytes
    block_time_s: int
    has_changed: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it so far, in chain order, and the newest block's time."""

    submissions: tuple[Submission, ...] = ()
    relayed: tuple[RelayCall, ...] = ()
    head_time_s: int = 0


class ChainRecord:
    """Follows the chain. `look` reads what is new; whatever was read stays. Safe for several threads."""

    def __init__(self, network: FlareNetwork, node: Node) -> None:
        self.network = network
        self.calendar = calendar_of(network)
        self._node, self._lock = node, threading.Lock()
        self._next_block = 0
        self._submission = network.address("Submission").lower()
        self._relay = network.address("Relay").lower()
        self._seen = Seen()

    @property
    def seen(self) -> Seen:
        """What was read so far."""
        return self._seen

    def epoch(self, number: int) -> VotingEpoch:
        """A voting epoch of the network."""
        return self.calendar.voting_epoch(number)

    def look(self) -> Seen:
        """Read the blocks that are new."""
        with self._lock:
            head = int(self._node.latest_block()["number"], 16)
            while self._next_block <= head:
                numbers = range(self._next_block, min(self._next_block + BLOCKS_PER_BATCH, head + 1))
                for block in self._node.batch([("eth_getBlockByNumber", [hex(number), True]) for number in numbers]):
                    self._add(block)
                self._next_block = numbers.stop
            return self._seen

    def _add(self, block: dict[str, Any]) -> None:
        ours = [t for t in block["transactions"] if (t["to"] or "").lower() in (self._submission, self._relay)]
        receipts = self._node.batch([("eth_getTransactionReceipt", [t["hash"]]) for t in ours])
        good = {receipt["transactionHash"] for receipt in receipts if int(receipt["status"], 16) == SUCCEEDED}
        time_s = int(block["timestamp"], 16)
        submissions = [
            Submission(
                sender=t["from"].lower(),
                calldata=bytes.fromhex(t["input"][2:]),
                block_time_s=time_s,
                block_number=int(block["number"], 16),
                transaction_index=int(t["transactionIndex"], 16),
            )
            for t in ours
            if t["to"].lower() == self._submission and t["hash"] in good
        ]
        relayed = [
            RelayCall(
                sender=t["from"].lower(),
                calldata=bytes.fromhex(t["input"][2:]),
                block_time_s=time_s,
                has_changed=t["hash"] in good,
            )
            for t in ours
            if t["to"].lower() == self._relay
        ]
        self._seen = Seen((*self._seen.submissions, *submissions), (*self._seen.relayed, *relayed), time_s)


def calendar_of(network: FlareNetwork) -> Network:
    """The network's clock, as the core counts."""
    timing = network.timing
    return Network(
        name=LOCAL.name,
        chain_id=network.chain_id,
        first_voting_epoch_start_s=network.first_voting_round_start_s,
        voting_epoch_length_s=timing.voting_epoch_s,
        reveal_deadline_s=timing.reveal_deadline_s,
        reward_epoch_length_voting_epochs=timing.reward_epoch_rounds,
    )
