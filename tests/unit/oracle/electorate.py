"""Voters for tests: they commit and reveal, honestly or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.epochs import FLARE
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.feeds import Feed, feed_id
from functions.oracle.core.payload import SUBMIT1, SUBMIT2, Message, encode_calldata
from functions.oracle.core.rounds import RoundResult, compute_round
from functions.oracle.core.submissions import Reveal, Submission, commits_of, encode_reveal, reveals_of

ROUND = FLARE.voting_epoch(812_576)
FEEDS = tuple(Feed(feed_id(name), 5) for name in ("BTC/USD", "ETH/USD", "FLR/USD"))


@dataclass
class Voter:
    """A voter with an address and a weight, and what it wants to say."""

    number: int
    values: Sequence[int | None] = (100, 200, 300)
    weight: int = 10
    random: int = field(init=False)

    def __post_init__(self) -> None:
        self.random = 1_000 + self.number

    @property
    def address(self) -> str:
        return "0x" + self.number.to_bytes(20, "big").hex()

    @property
    def reveal(self) -> Reveal:
        return Reveal(self.random, encode_integers(self.values))

    def hash(self, reveal: Reveal | None = None) -> bytes:
        chosen = reveal or self.reveal
        return commit_hash(self.address, ROUND.number, chosen.random, chosen.feed_values)


@dataclass
class Chain:
    """The transactions of one round in the order in which they were mined, one block each."""

    submissions: list[Submission] = field(default_factory=list)

    def mine(self, sender: str, calldata: bytes, time_s: int) -> None:
        self.submissions.append(Submission(sender, calldata, time_s, len(self.submissions), 0))

    def commit(self, voter: Voter, payload: bytes | None = None, *, protocol_id: int = 100) -> None:
        message = Message(protocol_id, ROUND.number, voter.hash() if payload is None else payload)
        self.mine(voter.address, encode_calldata(SUBMIT1, message), ROUND.start_s + 75)

    def reveal(
        self, voter: Voter, payload: bytes | None = None, *, late_s: int = 20, sender: Voter | None = None
    ) -> None:
        message = Message(100, ROUND.number, encode_reveal(voter.reveal) if payload is None else payload)
        self.mine((sender or voter).address, encode_calldata(SUBMIT2, message), ROUND.end_s + late_s)

    def result(self, voters: Sequence[Voter], benched: frozenset[str] = frozenset()) -> RoundResult:
        """What every reader of this chain computes."""
        return compute_round(
            commits_of(self.submissions, ROUND),
            reveals_of(self.submissions, ROUND, len(FEEDS)),
            {voter.address: voter.weight for voter in voters},
            FEEDS,
            ROUND.number,
            benched,
            sum(voter.weight for voter in voters),
        )


def honest_round(voters: Sequence[Voter]) -> Chain:
    """A chain on which these voters have committed and revealed."""
    chain = Chain()
    for voter in voters:
        chain.commit(voter)
    for voter in voters:
        chain.reveal(voter)
    return chain
