"""Voters of a local Flare who play their rounds by real bytes, without a provider of ours."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.epochs import Network
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.feeds import Feed
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message
from functions.oracle.core.payload import (
    FTSO_PROTOCOL_ID,
    SUBMIT1,
    SUBMIT2,
    SUBMIT_SIGNATURES,
    Message,
    encode_calldata,
)
from functions.oracle.core.random_number import benched_voters
from functions.oracle.core.relay import encode_relay
from functions.oracle.core.rounds import RoundResult, compute_round
from functions.oracle.core.signature import (
    TYPE_BARE,
    TYPE_WITH_MESSAGE,
    IndexedSignature,
    Signature,
    SignaturePayload,
    encode_signature_payload,
)
from functions.oracle.core.signing_policy import SigningPolicy, decode_signing_policy
from functions.oracle.core.submissions import Reveal, encode_reveal
from infra.local.flare.accounts import DevAccount
from infra.local.flare.contracts import artifact
from infra.local.flare.deployment import NAMES
from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node
from infra.local.flare.reading import signing_policy
from infra.local.flare.transactions import Sender, Transaction
from kernel.hashes import keccak256
from tests.chain.flare import wire


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """What is unusual about a round: by voters' positions. relay_at_s: after the start of the next voting epoch."""

    silent: Collection[int] = ()
    withheld: Collection[int] = ()
    unsigned: Collection[int] = ()
    relayer: Callable[["Ballot", int], DevAccount] | None = None
    relay_at_s: int = 5


@dataclass
class Ballot:
    """A network's voters; `play` takes the chain through voting epochs. Values lie around `centres`, by voter."""

    network: FlareNetwork
    centres: Sequence[int]
    weights: Sequence[int]
    set_time: Callable[[float], None]
    spread: int = 1_000
    conducts: dict[int, Conduct] = field(default_factory=dict)
    results: dict[int, RoundResult] = field(default_factory=dict)

    def play(self, first: int, last: int, ending: Mapping[int, Callable[[], None]] | None = None) -> None:
        """Rounds first to last, both included, each to its finalisation. ending: voting epoch to what happens then."""
        for epoch in range(first, last + 2):
            self.at(epoch, 1)
            reveals = self._reveals(epoch - 1) if epoch > first else []
            self._mine(reveals + (self._commits(epoch) if epoch <= last else []))
            if epoch > first:
                self._finish(epoch - 1)
            if ending and epoch in ending:
                ending[epoch]()

    def at(self, epoch: int, offset_s: float) -> None:
        """Let the next block have that moment of a voting epoch."""
        self.set_time(self.network.round_start_s(epoch) + offset_s)

    def policy(self, number: int) -> SigningPolicy:
        """The signing policy that rules a round."""
        timing = self.network.timing
        epoch = number // timing.reward_epoch_rounds
        return decode_signing_policy(signing_policy(self.network, max(epoch, timing.initial_reward_epoch)))

    def drawn(self, number: int) -> DevAccount:
        """The signing-policy account of the first drawn finaliser."""
        [address, *_] = draw_finalisers(self.policy(number), number)
        accounts = {voter.signing_policy.address.lower(): voter.signing_policy for voter in self.network.voters}
        return accounts[address]

    def opening(self, number: int, position: int) -> Reveal:
        """What a voter commits to in a round."""
        values = [centre + (position - 1) * self.spread + number for centre in self.centres]
        return Reveal(
            int.from_bytes(keccak256(bytes([position]) + number.to_bytes(4, "big")), "big"), encode_integers(values)
        )

    def _commits(self, number: int) -> list[Transaction]:
        return [
            self._call(voter.submit, SUBMIT1, number, self._commitment(number, position))
            for position, voter in enumerate(self.network.voters)
            if position not in self._conduct(number).silent
        ]

    def _reveals(self, number: int) -> list[Transaction]:
        conduct = self._conduct(number)
        return [
            self._call(voter.submit, SUBMIT2, number, encode_reveal(self.opening(number, position)))
            for position, voter in enumerate(self.network.voters)
            if position not in {*conduct.silent, *conduct.withheld}
        ]

    def _finish(self, number: int) -> None:
        result, conduct = self._result(number), self._conduct(number)
        assert result.merkle_root is not None
        said = ProtocolMessage(number, result.is_secure_random, result.merkle_root)
        message = encode_protocol_message(said)
        signatures = [Signature(*wire.sign(keccak256(message), voter.signing_policy)) for voter in self.network.voters]
        self.at(number + 1, 4)
        self._mine(
            [
                self._call(voter.submit_signatures, SUBMIT_SIGNATURES, number, _deposit(said, signatures[place], place))
                for place, voter in enumerate(self.network.voters)
                if place not in conduct.unsigned
            ]
        )
        indexed = [IndexedSignature(place, signature) for place, signature in enumerate(signatures)]
        data = encode_relay(self.policy(number), message, indexed)
        relayer = conduct.relayer(self, number) if conduct.relayer else self.drawn(number)
        self.at(number + 1, conduct.relay_at_s)
        self._mine([Transaction(sender=relayer, to=self.network.address("Relay"), data=data, note="relaying")])

    def _result(self, number: int) -> RoundResult:
        """The round as the voters compute it, from what they sent."""
        conduct, feeds = self._conduct(number), [Feed(feed.id, feed.decimals) for feed in self.network.inflation_feeds]
        submitters = [voter.submit.address.lower() for voter in self.network.voters]
        commits = {
            submitter: self._commitment(number, place)
            for place, submitter in enumerate(submitters)
            if place not in conduct.silent
        }
        reveals = {
            submitter: self.opening(number, place)
            for place, submitter in enumerate(submitters)
            if place not in {*conduct.silent, *conduct.withheld}
        }
        benched = benched_voters({one: found.offenders for one, found in self.results.items()}, number)
        weights = dict(zip(submitters, self.weights, strict=True))
        found = compute_round(commits, reveals, weights, feeds, number, benched, sum(self.weights))
        self.results[number] = found
        return found

    def _commitment(self, number: int, position: int) -> bytes:
        submitter, opening = self.network.voters[position].submit.address, self.opening(number, position)
        return commit_hash(submitter, number, opening.random, opening.feed_values)

    def _conduct(self, number: int) -> Conduct:
        return self.conducts.get(number, Conduct())

    def _call(self, sender: DevAccount, selector: bytes, number: int, payload: bytes) -> Transaction:
        data = encode_calldata(selector, Message(FTSO_PROTOCOL_ID, number, payload))
        return Transaction(sender=sender, to=self.network.address("Submission"), data=data, note="submitting")

    def _mine(self, transactions: list[Transaction]) -> None:
        mine(self.network, transactions)


def mine(network: FlareNetwork, transactions: Sequence[Transaction]) -> None:
    """All of them in one block."""
    with Node(network.rpc_url) as node:
        node.call("evm_setAutomine", False)
        try:
            Sender(node, [artifact(name) for name in NAMES]).mine(list(transactions))
        finally:
            node.call("evm_setAutomine", True)


def calendar(network: FlareNetwork) -> Network:
    """The network's calendar in the oracle's own words."""
    return Network(
        name="local",
        chain_id=network.chain_id,
        first_voting_epoch_start_s=network.first_voting_round_start_s,
        voting_epoch_length_s=network.timing.voting_epoch_s,
        reveal_deadline_s=network.timing.reveal_deadline_s,
        reward_epoch_length_voting_epochs=network.timing.reward_epoch_rounds,
    )


def _deposit(message: ProtocolMessage, signature: Signature, place: int) -> bytes:
    """Voters at even places send bare signatures, the others the older type with its message."""
    kind = TYPE_BARE if place % 2 == 0 else TYPE_WITH_MESSAGE
    return encode_signature_payload(SignaturePayload(kind, signature, None if kind == TYPE_BARE else message))
