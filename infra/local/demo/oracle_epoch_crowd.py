"""The participants of the oracle's whole show: one thread sends the protocol's own bytes from each one's accounts.

All of them compute a round together, once, from the chain; each signs by itself, and the drawn ones finalise. What goes
wrong is in the cast.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Self

from eth_account import Account

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.message import signing_digest
from functions.oracle.core.payload import (
    FTSO_PROTOCOL_ID,
    SUBMIT1,
    SUBMIT2,
    SUBMIT_SIGNATURES,
    Message,
    encode_calldata,
)
from functions.oracle.core.relay import encode_relay, enough_signatures
from functions.oracle.core.signature import TYPE_BARE, Signature, SignaturePayload, encode_signature_payload
from functions.oracle.core.signing_policy import required_threshold
from functions.oracle.core.submissions import Reveal as Opening
from functions.oracle.core.submissions import encode_reveal
from infra.local.demo import oracle_epoch_cast as cast
from infra.local.demo.oracle_epoch_prices import Prices
from infra.local.demo.oracle_epoch_rounds import PlayedRound, Rounds
from infra.local.flare.accounts import DevAccount, Voter
from infra.local.flare.node import Node
from kernel.keys.evm import LocalSigner

TICK_S: Final = 0.1
#: When each step is taken, as shares of an epoch; participants spread over the second number.
COMMIT_AT, REVEAL_AT, FINALISE_AT = (0.40, 0.15), (0.05, 0.15), 0.61
SIGN_AFTER_S: Final = 0.2
#: A transaction that is sent later may be mined too late.
MARGIN_S: Final = 1.1
GAS_LIMIT: Final = 1_000_000
GAS_PRICE_WEI: Final = 60 * 10**9
FORGED_BY: Final = 12_345


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A provider that is played here."""

    number: int
    voter: Voter
    taste: cast.Taste


class Crowd:
    """Takes part in every round while it is entered. `first_round` is told once the show's first round is known."""

    def __init__(self, rounds: Rounds, prices: Prices, node: Node, *, deployments: int = cast.DEPLOYMENTS) -> None:
        self._rounds, self._prices, self._node = rounds, prices, node
        self._network = rounds.record.network
        self._people = [
            Participant(number=number, voter=voter, taste=taste)
            for number, (voter, taste) in enumerate(zip(self._network.voters, cast.tastes(), strict=True))
            if number >= deployments
        ]
        self.first_round: int | None = None
        #: What ended the thread before its time.
        self.failure: BaseException | None = None
        self._nonces: dict[str, int] = {}
        self._openings: dict[tuple[int, int], Opening] = {}
        self._done: set[tuple[str, int, int]] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="participants", daemon=True)

    @property
    def people(self) -> Sequence[Participant]:
        """Who is played here."""
        return self._people

    def __enter__(self) -> Self:
        accounts = [account for one in self._people for account in one.voter.accounts]
        counts = self._node.batch([("eth_getTransactionCount", [account.address, "latest"]) for account in accounts])
        self._nonces = {account.address: int(count, 16) for account, count in zip(accounts, counts, strict=True)}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        try:
            while not self._closed.wait(TICK_S):
                self._rounds.record.look()
                self._rounds.advance()
                now = self._network.round_at(time.time())
                self._send([*self._finalise(now - 1), *self._sign(now - 1), *self._reveal(now - 1), *self._commit(now)])
        except BaseException as failure:
            self.failure = failure

    def _commit(self, number: int) -> Iterator[str]:
        for one in self._due("commit", number, self._rounds.record.epoch(number).start_s, COMMIT_AT):
            if self._left_s(self._rounds.record.epoch(number).end_s) < MARGIN_S:
                continue
            values = self._prices.believed(
                one.voter.name, one.taste, int(time.time()), shift_bps=self._conduct(one, number).shift_bps
            )
            random = Random(f"{one.voter.name}:{number}").getrandbits(256)
            opening = self._openings[number, one.number] = Opening(random, encode_integers(values))
            hashed = commit_hash(one.voter.submit.address, number, random, opening.feed_values)
            yield self._submission(one.voter.submit, SUBMIT1, number, hashed)

    def _reveal(self, number: int) -> Iterator[str]:
        epoch = self._rounds.record.epoch(number).next
        tardy = [one for one in self._people if self._conduct(one, number).reveal is cast.Reveal.TARDY]
        if self._left_s(epoch.reveal_deadline_s) < 0:
            for one in tardy:
                if self._is_new("reveal", number, one) and (number, one.number) in self._openings:
                    yield self._opened(one, number, self._openings[number, one.number])
            return
        for one in self._due("reveal", number, epoch.start_s, REVEAL_AT, but=tardy):
            opening = self._openings.get((number, one.number))
            how = self._conduct(one, number).reveal
            if opening is None or how is cast.Reveal.NONE or self._left_s(epoch.reveal_deadline_s) < MARGIN_S:
                continue
            yield self._opened(one, number, forged(opening) if how is cast.Reveal.FORGED else opening)

    def _opened(self, one: Participant, number: int, opening: Opening) -> str:
        return self._submission(one.voter.submit, SUBMIT2, number, encode_reveal(opening))

    def _sign(self, number: int) -> Iterator[str]:
        played = self._rounds.of(number)
        if played is None or played.message is None:
            return
        start_s = self._rounds.record.epoch(number).next.reveal_deadline_s + SIGN_AFTER_S
        for one in self._due("sign", number, start_s, (0.0, 0.0)):
            signature = Signature(
                *LocalSigner(one.voter.signing_policy.private_key).sign_digest(signing_digest(played.message))
            )
            payload = encode_signature_payload(SignaturePayload(TYPE_BARE, signature))
            yield self._submission(one.voter.submit_signatures, SUBMIT_SIGNATURES, number, payload)

    def _finalise(self, number: int) -> Iterator[str]:
        played = self._rounds.of(number)
        if played is None or played.message is None:
            return
        drawn = draw_finalisers(played.roll.policy, number)
        late = self._rounds.record.epoch(number).next.start_s + FINALISE_AT * self._network.timing.voting_epoch_s
        chosen = [one for one in self._people if one.voter.signing_policy.address.lower() in drawn]
        if not chosen or time.time() < late or all(("finalise", number, one.number) in self._done for one in chosen):
            return
        if (calldata := self._relay_call(played)) is not None:
            for one in chosen:
                if self._is_new("finalise", number, one):
                    yield self._signed(one.voter.signing_policy, self._network.address("Relay"), calldata)

    def _relay_call(self, played: PlayedRound) -> bytes | None:
        """The call that finalises a round; None while too few have signed."""
        assert played.message is not None
        policy = played.roll.policy
        expected = self._rounds.record.calendar.expected_reward_epoch(played.voting_round)
        threshold = required_threshold(policy, expected, self._network.rules.threshold_increase_bips)
        chosen = enough_signatures(policy, self._rounds.signatures(played), threshold)
        return None if chosen is None else encode_relay(played.roll.encoded, played.message, chosen)

    def _conduct(self, one: Participant, number: int) -> cast.Conduct:
        show_round = 0 if self.first_round is None else number - self.first_round + 1
        return cast.conduct(one.number, show_round)

    def _due(
        self, step: str, number: int, start_s: float, at: tuple[float, float], *, but: Sequence[Participant] = ()
    ) -> Iterator[Participant]:
        """Who takes the step now, each once; they spread evenly."""
        length_s, count = self._network.timing.voting_epoch_s, len(self._people)
        for place, one in enumerate(self._people):
            moment_s = start_s + length_s * (at[0] + at[1] * place / count)
            if one not in but and time.time() >= moment_s and self._is_new(step, number, one):
                yield one

    def _is_new(self, step: str, number: int, one: Participant) -> bool:
        key = (step, number, one.number)
        if key in self._done:
            return False
        self._done.add(key)
        return True

    def _left_s(self, until_s: float) -> float:
        return until_s - time.time()

    def _submission(self, account: DevAccount, selector: bytes, number: int, payload: bytes) -> str:
        calldata = encode_calldata(selector, Message(FTSO_PROTOCOL_ID, number, payload))
        return self._signed(account, self._network.address("Submission"), calldata)

    def _signed(self, account: DevAccount, to: str, calldata: bytes) -> str:
        fields = {
            "chainId": self._network.chain_id,
            "nonce": self._nonces[account.address],
            "gas": GAS_LIMIT,
            "gasPrice": GAS_PRICE_WEI,
            "to": to,
            "value": 0,
            "data": calldata,
        }
        self._nonces[account.address] += 1
        return "0x" + bytes(Account.sign_transaction(fields, account.private_key).raw_transaction).hex()

    def _send(self, raw: Sequence[str]) -> None:
        self._node.batch([("eth_sendRawTransaction", [one]) for one in raw])


def forged(opening: Opening) -> Opening:
    """Other values than were committed to, readable all the same."""
    values = bytearray(opening.feed_values)
    values[:4] = (int.from_bytes(values[:4], "big") + FORGED_BY).to_bytes(4, "big")
    return Opening(opening.random, bytes(values))
