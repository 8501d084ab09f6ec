"""What a bystander sees on the chain: who took which step of which round, when, for how much gas."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from functions.oracle.core.feed_values import decode
from functions.oracle.core.message import decode_protocol_message
from functions.oracle.core.payload import RELAY, SUBMIT1, SUBMIT2, SUBMIT_SIGNATURES, parse_calldata
from functions.oracle.core.relay import decode_relay
from functions.oracle.core.submissions import decode_reveal
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node

STEPS = {SUBMIT1: "commit", SUBMIT2: "reveal", SUBMIT_SIGNATURES: "sign", RELAY: "finalise"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One successful transaction of a provider; `offset_s` counts from the start of the epoch it belongs into."""

    step: str
    provider: str
    voting_round: int
    offset_s: int
    gas_used: int
    payload: bytes


class Bystander:
    """Follows the chain block by block."""

    def __init__(self, network: FlareNetwork) -> None:
        self.network = network
        self._node = Node(network.rpc_url)
        self._next_block = int(self._node.latest_block()["number"], 16)
        self._providers = {
            account.address.lower(): voter.name for voter in network.voters for account in voter.accounts
        }
        self.sightings: list[Sighting] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._node.__exit__(None, None, None)

    def look(self) -> list[Sighting]:
        """What new blocks show."""
        head = int(self._node.latest_block()["number"], 16)
        fresh = [seen for number in range(self._next_block, head + 1) for seen in self._block(number)]
        self._next_block = head + 1
        self.sightings += fresh
        return fresh

    def of(self, step: str, voting_round: int) -> dict[str, Sighting]:
        """Provider -> what it did in a round."""
        return {s.provider: s for s in self.sightings if (s.step, s.voting_round) == (step, voting_round)}

    def revealed(self, voting_round: int, decimals: list[int]) -> dict[str, list[str]]:
        """Provider -> the values it revealed, as text."""
        return {
            provider: ["-" if value is None else f"{value:f}" for value in decode(reveal.feed_values, decimals)]
            for provider, sighting in self.of("reveal", voting_round).items()
            if (reveal := decode_reveal(sighting.payload, len(decimals))) is not None
        }

    def _block(self, number: int) -> Iterator[Sighting]:
        block = self._node.call("eth_getBlockByNumber", hex(number), True)
        transactions = [t for t in block["transactions"] if t["from"].lower() in self._providers]
        receipts = self._node.batch([("eth_getTransactionReceipt", [t["hash"]]) for t in transactions])
        for transaction, receipt in zip(transactions, receipts, strict=True):
            calldata = bytes.fromhex(transaction["input"][2:])
            step = STEPS.get(calldata[:4])
            if step is not None and int(receipt["status"], 16) == 1:
                voting_round, payload = _content(step, calldata)
                epoch = voting_round + (0 if step == "commit" else 1)
                yield Sighting(
                    step=step,
                    provider=self._providers[transaction["from"].lower()],
                    voting_round=voting_round,
                    offset_s=int(block["timestamp"], 16) - self.network.round_start_s(epoch),
                    gas_used=int(receipt["gasUsed"], 16),
                    payload=payload,
                )


def _content(step: str, calldata: bytes) -> tuple[int, bytes]:
    if step == "finalise":
        call = decode_relay(calldata)
        assert call is not None
        return decode_protocol_message(call.message).voting_round, call.message
    message = parse_calldata(calldata)[0]
    return message.voting_round, message.payload
