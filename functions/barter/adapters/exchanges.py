"""Owns exchanges as a quorum has them: where one stands, what its lists say, and whether it would take a proof.

Every look is of one block, the newest that a quorum has come to, and nobody's absence reduces the quorum: what one
endpoint alone says would have us prove lists that nobody has, or pay for transactions that fail. Nobody is distrusted
for a contradiction here: honest endpoints may be on two forks, and a stranger's contract may answer by what nodes make
up for a call (a base fee, who mines). One that no quorum hears alike, at a block that a quorum has, is no exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.barter.core.code import EXCHANGE, VERIFIER, fingerprint
from functions.barter.core.exchange import (
    CURRENT_PHASE,
    QUESTIONS,
    VERIFIER_AGENTS,
    AnswerUnfit,
    Terms,
    lists_call,
    read_answers,
    read_circuit_agents,
    read_numbers,
    read_phase,
    verify_call,
)
from functions.barter.core.watch import Phase, Sight, Trade
from kernel.errors import Rejected, Transient
from kernel.evm.blocks import Head, hexadecimal, octets, quantity
from kernel.evm.quorum import QuestionRefused, Quorum, Reverted
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call, RpcRefused
from kernel.jsonrpc.quorum import NoQuorum

#: Lists that are read with one question.
PAGE: Final = 512
#: Gas of a call, above what an exchange of ours takes: a word, a page of lists, the check of 4,095 agents. Without it
#: each provider sets its own, so a stranger could burn or send so much that endpoints seem away, or to contradict.
WORD_GAS: Final = 200_000
PAGE_GAS: Final = 3_000_000
CHECK_GAS: Final = 30_000_000
#: Endpoints' estimates of gas may differ by so many hundredths of the least.
_CLOSE_PERCENT: Final = 25


class NotAnExchange(Rejected):
    """There is no exchange at this address."""

    status = 422
    cause = "Nothing is deployed there, or it does not answer as infra/contracts/barter/Exchange.sol does."
    remedy = "Check the address and the chain; wait until the deployment is mined."
    example = '{"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}'


class TradeGone(Transient):
    """The exchange is not in this Trade any more."""

    cause = "Its block was taken back, or somebody has ended the phase."
    remedy = "Nothing is to be done: the next look at the exchange asks for what is owed then."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An exchange at one block. is_ours: by its code, so that it may be sent transactions that we pay for."""

    terms: Terms
    sight: Sight
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Every agent's list, as a word, of an exchange in Trade. circuit_agents: of its verifier, if both are ours."""

    words: tuple[int, ...]
    list_max: int
    image_id: bytes
    circuit_agents: int | None


class Exchanges:
    """Exchanges on one chain. Whatever reads raises NoQuorum, QuestionRefused, RpcUnavailable, WrongChain, too."""

    def __init__(self, pool: RpcPool, *, confirmations: int | None = None) -> None:
        """confirmations: how many blocks make one final, its own included; None asks for the `finalized` tag."""
        self._quorum, self._confirmations = Quorum(pool), confirmations

    def newest_block(self) -> int:
        """The newest block that a quorum has come to."""
        return self._quorum.newest_block()

    def look(self, address: str) -> Seen:
        """Where an exchange stands. Raises NotAnExchange."""
        newest = self._quorum.newest_block()
        try:
            answers = self._asked(address, QUESTIONS, newest)
            terms, standing = read_answers(answers.said)
            trade = self._trade(standing.trade_block, standing.phase, newest)
            is_left = standing.phase > Phase.TRADE and self._has_left(address)
        except (Reverted, AnswerUnfit) as other:
            raise NotAnExchange(address=address) from other
        sight = Sight(
            phase=standing.phase,
            phase_started_s=standing.phase_started_s,
            phase_s=standing.phase_s,
            trade=trade,
            agents=standing.agents,
            block=newest,
            block_hash=answers.head.hash,
            time_s=answers.head.time_s,
            is_left=is_left,
        )
        return Seen(terms=terms, sight=sight, is_ours=answers.fingerprint == EXCHANGE)

    def is_our_verifier(self, address: str | None) -> bool:
        """Whether what an exchange asks about proofs is ours, by its code; so is nothing at all."""
        return address is None or self._asked(address, [], self._quorum.newest_block()).fingerprint == VERIFIER

    def lists(self, address: str, trade: Trade) -> Lists:
        """The lists that this Trade is about, all as of one block. Raises TradeGone, NotAnExchange."""
        seen = self.look(address)
        if seen.sight.phase != Phase.TRADE or seen.sight.trade != trade:
            raise TradeGone(address=address)
        pages = [lists_call(first, PAGE) for first in range(0, seen.sight.agents, PAGE)]
        try:
            answers = self._asked(address, pages, seen.sight.block, gas=PAGE_GAS)
            words = tuple(word for said in answers.said for word in read_numbers(said))
            circuit_agents = self._circuit_agents(seen)
        except (Reverted, AnswerUnfit) as other:
            raise NotAnExchange(address=address) from other
        if answers.head.hash != seen.sight.block_hash or len(words) != seen.sight.agents:
            raise TradeGone(address=address)
        return Lists(
            words=words,
            list_max=seen.terms.list_max,
            image_id=seen.terms.image_id,
            circuit_agents=circuit_agents,
        )

    def refusal(self, address: str, journal: bytes, seal: bytes, allocation: Sequence[int]) -> str | None:
        """Why the exchange would not take these trades now; None where it would, and reads the allocation from them."""
        try:
            check = [verify_call(journal, seal)]
            answers = self._asked(address, check, self._quorum.newest_block(), gas=CHECK_GAS)
            received = [item - 1 for item in read_numbers(answers.said[0])]
        except Reverted as reverted:
            return f"the exchange refuses it: {reverted}"
        except AnswerUnfit as unfit:
            return f"the exchange does not verify: {unfit}"
        return None if received == list(allocation) else "the exchange reads another allocation from it"

    def gas(self, address: str, call: bytes, sender: str) -> int | None:
        """The gas that a call takes, as of the newest block; None where it reverts. The highest of close estimates."""
        asked = {"from": sender, "to": address, "data": hexadecimal(call)}
        estimates: list[int] = []

        def succeeds(told: str) -> bool:
            estimates.append(quantity(told))
            return True

        try:
            at = hex(self._quorum.newest_block())
            self._quorum.agreed("eth_estimateGas", [asked, at], by=succeeds, blames=False)
        except Reverted:
            return None
        if max(estimates) * 100 > min(estimates) * (100 + _CLOSE_PERCENT):
            raise self._quorum.contradicted("eth_estimateGas", estimates)
        return max(estimates)

    def _trade(self, trade_block: int, phase: Phase, newest: int) -> Trade | None:
        if phase < Phase.TRADE:
            return None
        if trade_block > newest:
            raise AnswerUnfit("it entered Trade in a block that is to come")
        asked = [hex(trade_block), False]
        told = self._quorum.agreed("eth_getBlockByNumber", asked, by=lambda block: block["hash"], blames=False)
        return Trade(trade_block, Head.from_rpc(told).hash)

    def _has_left(self, address: str) -> bool:
        """Whether it is past Trade in a final block."""
        final = self._quorum.final_block(self._confirmations)
        if final < 0:
            return False
        phase = read_phase(self._asked(address, [CURRENT_PHASE], final).said[0])
        return phase is not None and phase > Phase.TRADE

    def _circuit_agents(self, seen: Seen) -> int | None:
        """None for strangers, too: a proof is dear, and one that lies could have as many computed as it likes."""
        verifier = seen.terms.verifier
        if verifier is None or not seen.is_ours or not self.is_our_verifier(verifier):
            return None
        return read_circuit_agents(self._asked(verifier, [VERIFIER_AGENTS], seen.sight.block).said[0])

    def _asked(self, address: str, questions: Sequence[bytes], block: int, *, gas: int = WORD_GAS) -> "_Answers":
        """What a contract answers at a block, with the block itself: all from one chain."""
        at = hex(block)
        asked = [{"to": address, "data": hexadecimal(question), "gas": hex(gas)} for question in questions]
        calls: list[Call] = [("eth_call", [one, at]) for one in asked]
        calls += [("eth_getCode", [address, at]), ("eth_getBlockByNumber", [at, False])]

        def told(answers: Sequence[Any]) -> tuple[tuple[bytes, ...], str, str]:
            *said, code, block = answers
            return tuple(octets(answer) for answer in said), fingerprint(octets(code)), block["hash"]

        try:
            answers = self._quorum.agreed_batch(calls, by=told, blames=False)
        except (NoQuorum, QuestionRefused) as undecided:
            if questions and not _is_a_limit(undecided) and self._is_a_strangers(address, block):
                raise AnswerUnfit("it answers by what nodes differ in, or fails otherwise than by a revert") from None
            raise
        said, known_by, _ = told(answers)
        return _Answers(said, known_by, Head.from_rpc(answers[-1]))

    def _is_a_strangers(self, address: str, block: int) -> bool:
        """Whether a quorum that has this very block has code there that is none of ours."""
        return self._asked(address, [], block).fingerprint not in (EXCHANGE, VERIFIER)


@dataclass(frozen=True, slots=True)
class _Answers:
    said: tuple[bytes, ...]
    fingerprint: str
    head: Head


def _is_a_limit(undecided: Exception) -> bool:
    """Whether providers refused for a limit of their own: that says nothing of the contract."""
    refused = undecided.__cause__
    return isinstance(refused, RpcRefused) and refused.is_a_limit
