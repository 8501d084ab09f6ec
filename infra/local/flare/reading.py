"""Questions to a local network: views, events, and proofs of feed values, as a consumer on the chain would ask them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.flare.contracts import explain, from_hex
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node, NodeRefused

NOT_PROVEN = "merkle proof invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenFeed:
    """A feed's result of a round with the Merkle proof of its leaf; value is scaled by 10^decimals."""

    voting_round: int
    feed_id: bytes
    value: int
    turnout_bips: int
    decimals: int
    proof: tuple[bytes, ...]


def read(network: FlareNetwork, name: str, function: str, *arguments: Any, block: str = "latest") -> Any:
    """What a view of a contract answers: the value, or a tuple when there are several. NodeRefused when it reverts."""
    with Node(network.rpc_url) as node:
        return _view(node, network, name, function, arguments, block=block)


def events(network: FlareNetwork, name: str, event: str, *, from_block: int = 0) -> list[dict[str, Any]]:
    """The named values of every event of that kind that a contract emitted, in chain order."""
    contract = network.contracts[name]
    query = {
        "address": contract.address,
        "topics": ["0x" + contract.topic(event).hex()],
        "fromBlock": hex(from_block),
        "toBlock": "latest",
    }
    with Node(network.rpc_url) as node:
        return [contract.event(event, log) for log in node.call("eth_getLogs", query)]


def verify_feed(network: FlareNetwork, feed: ProvenFeed) -> bool:
    """Whether FtsoV2.verifyFeedData accepts the value as part of its round's finalised tree."""
    body = (feed.voting_round, feed.feed_id, feed.value, feed.turnout_bips, feed.decimals)
    with Node(network.rpc_url) as node:
        try:
            return bool(_view(node, network, "FtsoV2", "verifyFeedData", ((list(feed.proof), body),)))
        except NodeRefused as refused:
            if explain(refused.data, []) == NOT_PROVEN:
                return False
            raise


def signing_policy(network: FlareNetwork, reward_epoch: int) -> bytes:
    """The encoded signing policy of a reward epoch, from its event; LookupError when there is none."""
    for event in events(network, "Relay", "SigningPolicyInitialized"):
        if event["rewardEpochId"] == reward_epoch:
            policy: bytes = event["signingPolicyBytes"]
            return policy
    raise LookupError(f"reward epoch {reward_epoch} has no signing policy yet")


def _view(
    node: Node, network: FlareNetwork, name: str, function: str, arguments: Sequence[Any], *, block: str = "latest"
) -> Any:
    contract = network.contracts[name]
    call = {"to": contract.address, "data": "0x" + contract.data(function, *arguments).hex()}
    values = contract.answer(function, from_hex(node.call("eth_call", call, block)))
    return values[0] if len(values) == 1 else values
