"""Random rounds as the chain has them: raw transactions of voters of every kind, read and computed to the last bit."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from functions.oracle.core.epochs import FLARE
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.random_number import benched_voters
from functions.oracle.core.rounds import compute_round
from functions.oracle.core.submissions import Submission, commits_of, reveals_of
from tests.unit.oracle import slow_chain, slow_reference
from tests.unit.oracle.facts import flare_feeds

pytestmark = pytest.mark.unit

#: A soak divides its rounds among so many tests, each with a seed of its own; `-k "share3"` runs one of them.
SHARES, SEED = 10, 20261121
FIRST = 812_576
START_S = FLARE.first_voting_epoch_start_s
VALUES = (-(2**31) + 1, -1, 0, 1, 2, 2**31 - 1)


@dataclass(frozen=True)
class Life:
    """Some consecutive rounds of some voters, and all that anybody sent meanwhile, in no order."""

    rounds: range
    weights: dict[str, int]
    sent: tuple[Submission, ...]


class Crowd:
    """Voters who mostly do as they should, and now and then anything else."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.feeds = flare_feeds()[: dice.randint(1, 3)]

    def life(self) -> Life:
        """One life, of one to four rounds."""
        dice = self._dice
        voters = ["0x" + number.to_bytes(20, "big").hex() for number in dice.sample(range(2**32), dice.randint(1, 6))]
        rounds = range(FIRST, FIRST + dice.randint(1, 4))
        largest = dice.choice([3, 0xFFFF, 10**28])
        weights = {voter: dice.randint(1, largest) for voter in voters if dice.random() < 0.9}
        sent = [one for number in rounds for voter in voters for one in self._round(voter, number)]
        dice.shuffle(sent)
        return Life(rounds, weights or {voters[0]: 1}, tuple(sent))

    def _round(self, voter: str, number: int) -> Iterator[Submission]:
        dice = self._dice
        values = encode_integers([None if dice.random() < 0.2 else dice.choice(VALUES) for _ in self.feeds])
        kept = (dice.getrandbits(256), dice.choice([values, values, b""]))
        commit = slow_reference.commit_hash(voter, number, *kept)
        reveal = kept[0].to_bytes(32, "big") + kept[1]
        start_s = START_S + 90 * number
        for selector, payload, begins_s, ends_s in (
            (slow_chain.SUBMIT1, commit, start_s, start_s + 90),
            (slow_chain.SUBMIT2, reveal, start_s + 90, start_s + 135),
        ):
            for _ in range(dice.choice([0, 1, 1, 1, 1, 1, 2])):
                yield self._sent(voter, selector, self._calls(number, payload), begins_s, ends_s)

    def _calls(self, number: int, payload: bytes) -> bytes:
        """Messages with what was meant among them, nearly always."""
        dice = self._dice
        messages = [_message(100, number, payload)]
        while dice.random() < 0.2:
            messages.append(
                dice.choice(
                    [
                        _message(100, number, dice.randbytes(dice.choice([0, 31, 32, 33, 36, 48]))),
                        _message(dice.choice([99, 101]), number, payload),
                        _message(100, number + dice.choice([-1, 1]), payload),
                        _message(100, number, payload + b"\0" * dice.choice([1, 4, 16])),
                    ]
                )
            )
        dice.shuffle(messages)
        said = b"".join(messages)
        if dice.random() < 0.05:
            return dice.choice([said[:-1], said + dice.randbytes(dice.randint(1, 8)), b""])
        return said

    def _sent(self, voter: str, selector: bytes, said: bytes, begins_s: int, ends_s: int) -> Submission:
        dice = self._dice
        odd = dice.random() < 0.1
        time_s = dice.choice([begins_s - 1, ends_s, ends_s + 30]) if odd else dice.choice([begins_s, ends_s - 1])
        if dice.random() < 0.03:
            selector = dice.choice([slow_chain.SUBMIT1, slow_chain.SUBMIT2, bytes(4)])
        return Submission(
            sender=voter.upper().replace("X", "x") if dice.random() < 0.2 else voter,
            calldata=selector + said,
            block_time_s=time_s,
            block_number=time_s,
            transaction_index=dice.getrandbits(30),
        )


def _message(protocol: int, number: int, payload: bytes) -> bytes:
    return bytes([protocol]) + number.to_bytes(4, "big") + len(payload).to_bytes(2, "big") + payload


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("share", range(SHARES), ids=lambda share: f"share{share}")
def test_rounds_read_from_transactions_are_the_slow_references(
    share: int, volume: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """Medians, random, security, offenders, root and the bench, whoever sent whatever, in whatever order it is read."""
    dice, wanted, done = random.Random(SEED + share), volume(200, 1_000_000 // SHARES), 0
    record_property("seed", SEED + share)
    while done < wanted:
        crowd = Crowd(dice)
        life = crowd.life()
        offenders: dict[int, frozenset[str]] = {}
        expected = slow_chain.rounds(life.sent, life.rounds, life.weights, crowd.feeds, first_epoch_start_s=START_S)
        for number, slow in zip(life.rounds, expected, strict=True):
            voting_round = FLARE.voting_epoch(number)
            result = compute_round(
                commits_of(life.sent, voting_round),
                reveals_of(life.sent, voting_round, len(crowd.feeds)),
                life.weights,
                crowd.feeds,
                number,
                benched_voters(offenders, number),
                sum(life.weights.values()),
            )
            offenders[number] = result.offenders

            assert slow == {
                "medians": list(result.medians),
                "offenders": result.offenders,
                "root": result.merkle_root,
                "random": result.random,
                "secure": result.is_secure_random,
            }
        done += len(life.rounds)
