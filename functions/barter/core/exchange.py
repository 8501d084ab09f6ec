"""Owns the bytes of the exchange's functions: what is asked of it, what its answers say, and what is sent to it.

Whatever lies at a watched address answers, so an answer is read as a stranger's: what no exchange could say is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.barter.core.watch import Phase
from functions.barter.core.words import ENTRY_MAX, PER_WORD
from kernel.abi import WORD_SIZE_BYTES, WordMalformed, address_of_word, padded, uint_word, uint_words
from kernel.hashes import keccak256

#: Of an event that an exchange enters a phase.
PHASE_CHANGED: Final = keccak256(b"PhaseChanged(uint8)")
#: So many agents may an exchange have: as many as one transaction of Ethereum (2^24 gas, EIP-7825) enacts where every
#: token changes hands and every list of 21 is read to its end, for 15.45 million gas.
ENACTABLE_MAX: Final = 900
NOBODY: Final = "0x" + "00" * 20
#: Unix seconds and blocks beyond any that this code will see.
_TIME_MAX: Final = 2**36
_BLOCK_MAX: Final = 2**48


class AnswerUnfit(ValueError):
    """An exchange does not answer so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was fixed when an exchange was deployed. verifier: None where it takes certificates only."""

    operator: str
    verifier: str | None
    image_id: bytes
    agents_max: int
    list_max: int
    deposit_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an exchange stands. trade_block: 0 before Trade."""

    phase: Phase
    phase_started_s: int
    phase_s: int
    trade_block: int
    agents: int


def call_of(signature: str, *words: int) -> bytes:
    """A call whose arguments are single words."""
    return keccak256(signature.encode())[:4] + b"".join(uint_word(word) for word in words)


#: The questions whose answers, a word each, are an exchange's terms and standing, in this order.
QUESTIONS: Final = tuple(
    call_of(f"{name}()")
    for name in (
        "operator",
        "verifier",
        "imageID",
        "agentsMax",
        "listMax",
        "depositFee",
        "currentPhase",
        "phaseStartTimestamp",
        "phaseDuration",
        "tradeInitiatedAtBlock",
        "agentCount",
    )
)
CURRENT_PHASE: Final = call_of("currentPhase()")
VERIFIER_AGENTS: Final = call_of("agents()")
ADVANCE_PHASE: Final = call_of("advancePhase()")


def read_answers(answers: Sequence[bytes]) -> tuple[Terms, Standing]:
    """What an exchange is and where it stands, from its answers to QUESTIONS. Raises AnswerUnfit."""
    try:
        words = [uint_words(answer, 1)[0] for answer in answers]
        operator, verifier = address_of_word(words[0]), address_of_word(words[1])
    except WordMalformed as malformed:
        raise AnswerUnfit("an answer is no word") from malformed
    image_id, agents_max, list_max, deposit_fee_wei, phase, started_s, lasts_s, trade_block, agents = words[2:]
    _demand(1 <= agents_max <= ENTRY_MAX and 1 <= list_max <= PER_WORD and agents <= agents_max, "sizes of no exchange")
    _demand(started_s + lasts_s < _TIME_MAX and trade_block < _BLOCK_MAX, "times of no exchange")
    terms = Terms(
        operator=operator,
        verifier=None if verifier == NOBODY else verifier,
        image_id=uint_word(image_id),
        agents_max=agents_max,
        list_max=list_max,
        deposit_fee_wei=deposit_fee_wei,
    )
    standing = Standing(
        phase=_phase(phase),
        phase_started_s=started_s,
        phase_s=lasts_s,
        trade_block=trade_block,
        agents=agents,
    )
    return terms, standing


def read_phase(answer: bytes) -> Phase | None:
    """The answer to CURRENT_PHASE; None where there is no exchange."""
    if not answer:
        return None
    return _phase(_word(answer))


def read_circuit_agents(answer: bytes) -> int:
    """The answer of an exchange's verifier to VERIFIER_AGENTS. Raises AnswerUnfit."""
    agents = _word(answer)
    _demand(1 <= agents <= ENTRY_MAX, "a circuit for so many agents is none of ours")
    return agents


def lists_call(first: int, count: int) -> bytes:
    """A page of the lists, a word an agent."""
    return call_of("preferenceWords(uint256,uint256)", first, count)


def verify_call(journal: bytes, seal: bytes) -> bytes:
    """Whether the exchange would take these trades."""
    return _two_bytes("verifyTrades(bytes,bytes)", journal, seal)


def trades_call(journal: bytes, seal: bytes) -> bytes:
    """The trades, to be enacted."""
    return _two_bytes("reallocateTokens(bytes,bytes)", journal, seal)


def read_numbers(answer: bytes) -> tuple[int, ...]:
    """The numbers of an answer that is an array of words. Raises AnswerUnfit."""
    _demand(len(answer) >= 2 * WORD_SIZE_BYTES and len(answer) % WORD_SIZE_BYTES == 0, "an answer is no array")
    offset, count, *numbers = uint_words(answer, len(answer) // WORD_SIZE_BYTES)
    _demand(offset == WORD_SIZE_BYTES and count == len(numbers), "an answer is no array")
    return tuple(numbers)


def _two_bytes(signature: str, first: bytes, second: bytes) -> bytes:
    head = 2 * WORD_SIZE_BYTES
    bodies = [uint_word(len(one)) + padded(one) for one in (first, second)]
    return call_of(signature, head, head + len(bodies[0])) + b"".join(bodies)


def _word(answer: bytes) -> int:
    _demand(len(answer) == WORD_SIZE_BYTES, "an answer is no word")
    return uint_words(answer, 1)[0]


def _phase(number: int) -> Phase:
    _demand(number <= max(Phase), "a phase of no exchange")
    return Phase(number)


def _demand(holds: bool, problem: str) -> None:
    if not holds:
        raise AnswerUnfit(problem)
