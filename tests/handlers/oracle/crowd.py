"""A crowd on one chain: our provider as deployed, and voters of whom each plays the bytes of the protocol as told."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from functions.oracle.core.commitment import commit_hash
from functions.oracle.core.feed_values import encode_integers
from functions.oracle.core.payload import (
    FTSO_PROTOCOL_ID,
    SUBMIT1,
    SUBMIT2,
    SUBMIT_SIGNATURES,
    Message,
    encode_calldata,
)
from functions.oracle.core.signature import Signature, SignaturePayload, encode_signature_payload
from functions.oracle.core.submissions import Reveal, encode_reveal
from functions.oracle.queue_finalise import handler as finalise
from functions.oracle.queue_observe import handler as observe
from functions.oracle.queue_submit_transaction import handler as submit
from infra.local.flare.accounts import DevAccount, Voter
from kernel.hashes import keccak256
from kernel.tasks import TaskRecord
from tests.chain.flare.ledger import Ledger
from tests.chain.flare.wire import sign
from tests.handlers.oracle.provider import Provider, Stage
from tests.handlers.oracle.whole_round import Stocked, key, play_commits, play_reveals, play_signatures

#: About what four venues say in `stocked`, in the decimals of BTC/USD, ETH/USD and XRP/USD.
HONEST = (9_349_412, 3_125_869, 215_332)


@dataclass(frozen=True)
class Player:
    """One voter (or stranger) of the crowd."""

    submit: DevAccount
    submit_signatures: DevAccount
    signing_policy: DevAccount

    @classmethod
    def of(cls, voter: Voter) -> "Player":
        return cls(voter.submit, voter.submit_signatures, voter.signing_policy)

    @property
    def address(self) -> str:
        """Where it submits from, as stored."""
        return self.submit.address.lower()


class Crowd:
    """Moves the stage's chain, and sends what players are told to."""

    def __init__(self, stage: Stage, ours: Provider) -> None:
        self.stage, self.ours = stage, ours
        self.players = [Player.of(voter) for voter in stage.network.voters]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._ledger = self._stack.enter_context(Ledger(self.stage.network))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def commit(self, player: Player, number: int, values: Sequence[int | None] = HONEST) -> None:
        """Commit to values now, whatever time it is."""
        hashed = commit_hash(player.submit.address, number, 7, encode_integers(values))
        self._say(player.submit, SUBMIT1, number, hashed)

    def reveal(self, player: Player, number: int, values: Sequence[int | None] = HONEST) -> None:
        """Reveal values now."""
        self._say(player.submit, SUBMIT2, number, encode_reveal(Reveal(7, encode_integers(values))))

    def sign(self, player: Player, number: int, message: bytes) -> None:
        """Deposit a signature of a message now."""
        signature = Signature(*sign(keccak256(message), player.signing_policy))
        payload = encode_signature_payload(SignaturePayload(1, signature))
        self._say(player.submit_signatures, SUBMIT_SIGNATURES, number, payload)

    def delegate(self, voter: Voter, power_wei: int) -> None:
        """Let so much vote power be delegated to a voter, for the reward epochs that open from now on."""
        governance, address = self.stage.network.governance, voter.identity.address
        self._ledger.call(governance, "FlareSystemsCalculator", "setVotePower", address, power_wei)

    def message(self, number: int) -> bytes:
        """What we computed of a round."""
        result = self.ours.deps.rounds.result(number)
        assert result is not None
        assert result.message is not None
        return result.message

    def finalise(self, number: int) -> None:
        """Let our provider bring the round to the relay."""
        self.stage.at(number + 1, 6)
        self.ours.run(finalise, "oracle.finalise", key(number))
        self.ours.submit_all(submit)

    def observe(self, number: int, *, epochs_later: int = 3) -> TaskRecord:
        """Wait until the round is finished, and look at it."""
        self.stage.at(number + epochs_later, 0)
        self.ours.deps.observatory.observations.ask([self.ours.deps.flare.network.voting_epoch(number)])
        return self.ours.run(observe, "oracle.observe", key(number))

    def honest_round(self, stocked: Stocked, *, absent: Sequence[Player] = ()) -> int:
        """Everybody but the absent takes every step in time; the round's number."""
        number = play_commits(self.stage, [self.ours], stocked)
        others = [player for player in self.players[1:] if player not in absent]
        for player in others:
            self.commit(player, number)
        play_reveals(self.stage, [self.ours], number)
        for player in others:
            self.reveal(player, number)
        play_signatures(self.stage, [self.ours], number)
        for player in others:
            self.sign(player, number, self.message(number))
        self.finalise(number)
        return number

    def _say(self, sender: DevAccount, selector: bytes, number: int, payload: bytes) -> None:
        data = encode_calldata(selector, Message(FTSO_PROTOCOL_ID, number, payload))
        self._ledger.send(sender, "Submission", data)
