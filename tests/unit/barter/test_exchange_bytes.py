"""What is asked of an exchange and sent to it is what the contract says; its answers are read as a stranger's."""

from typing import Any

import pytest
from eth_abi.abi import encode

from functions.barter.core.exchange import (
    ADVANCE_PHASE,
    CURRENT_PHASE,
    PHASE_CHANGED,
    QUESTIONS,
    VERIFIER_AGENTS,
    AnswerUnfit,
    Standing,
    Terms,
    lists_call,
    read_answers,
    read_circuit_agents,
    read_numbers,
    read_phase,
    trades_call,
    verify_call,
)
from functions.barter.core.watch import Phase
from infra.local.flare.contracts import artifact
from kernel.abi import uint_word
from kernel.evm.contracts import Abi
from kernel.hashes import keccak256

pytestmark = pytest.mark.unit

OPERATOR, VERIFIER = 0xA1, 0xB2
ANSWERS = [OPERATOR, VERIFIER, 0xC3, 256, 16, 7, 2, 1_700_000_000, 0, 99, 6]
PLACES = {"agentsMax": 3, "listMax": 4, "phase": 6, "started": 7, "lasts": 8, "trade": 9, "agents": 10}


@pytest.fixture(scope="module")
def abi() -> Abi:
    """The exchange's interface, as it was compiled."""
    return Abi(artifact("Exchange", "barter").abi)


def answers(**changed: int) -> list[bytes]:
    """What an exchange in Trade answers, with some words changed."""
    words = list(ANSWERS)
    for name, word in changed.items():
        words[PLACES[name]] = word
    return [uint_word(word) for word in words]


def test_questions_and_calls_are_those_of_the_contract(abi: Abi) -> None:
    """Byte for byte, with byte strings of lengths that do and do not fill words."""
    names = "operator verifier imageID agentsMax listMax depositFee currentPhase phaseStartTimestamp phaseDuration"

    assert QUESTIONS == tuple(abi.encode_call(name) for name in (*names.split(), "tradeInitiatedAtBlock", "agentCount"))
    assert CURRENT_PHASE == abi.encode_call("currentPhase")
    assert ADVANCE_PHASE == abi.encode_call("advancePhase")
    assert PHASE_CHANGED == abi.topic("PhaseChanged")
    assert VERIFIER_AGENTS == keccak256(b"agents()")[:4]
    assert lists_call(512, 40) == abi.encode_call("preferenceWords", 512, 40)
    for journal, seal in ((b"", b"\0"), (b"\1" * 32, b"\0" + b"\2" * 64), (b"\3" * 96, b"\1" + b"\4" * 288)):
        assert trades_call(journal, seal) == abi.encode_call("reallocateTokens", journal, seal)
        assert verify_call(journal, seal) == abi.encode_call("verifyTrades", journal, seal)


def test_answers_are_terms_and_standing() -> None:
    """A word each, in the order of the questions."""
    terms, standing = read_answers(answers())

    assert terms == Terms(
        operator="0x00000000000000000000000000000000000000A1",
        verifier="0x00000000000000000000000000000000000000b2",
        image_id=uint_word(0xC3),
        agents_max=256,
        list_max=16,
        deposit_fee_wei=7,
    )
    assert standing == Standing(phase=Phase.TRADE, phase_started_s=1_700_000_000, phase_s=0, trade_block=99, agents=6)


def test_an_exchange_without_a_verifier_takes_certificates_only() -> None:
    """The zero address is nobody."""
    words = answers()
    words[1] = uint_word(0)

    assert read_answers(words)[0].verifier is None


@pytest.mark.parametrize(
    "changed",
    [
        {"phase": 5},
        {"phase": 2**255},
        {"agentsMax": 0},
        {"agentsMax": 4_096, "agents": 0},
        {"agents": 257},
        {"listMax": 0},
        {"listMax": 22},
        {"started": 2**36},
        {"lasts": 2**255},
        {"trade": 2**48},
    ],
)
def test_what_no_exchange_says_is_refused(changed: dict[str, int]) -> None:
    """Whatever lies at the address."""
    with pytest.raises(AnswerUnfit):
        read_answers(answers(**changed))


def test_the_greatest_exchange_is_one() -> None:
    """4 095 agents, with lists of 21."""
    terms, _ = read_answers(answers(agentsMax=4_095, agents=4_095, listMax=21))

    assert (4_095, 21) == (terms.agents_max, terms.list_max)


@pytest.mark.parametrize("answer", [b"", b"\1", bytes(31), bytes(64)])
def test_what_is_no_word_is_refused(answer: bytes) -> None:
    """An address without code answers with nothing."""
    with pytest.raises(AnswerUnfit):
        read_answers([answer, *answers()[1:]])
    with pytest.raises(AnswerUnfit):
        read_circuit_agents(answer)


def test_nothing_is_no_phase() -> None:
    """Before its deployment an exchange answers nothing."""
    assert read_phase(b"") is None
    assert Phase.CLEANUP == read_phase(uint_word(4))
    with pytest.raises(AnswerUnfit):
        read_phase(uint_word(5))


def test_a_circuit_takes_some_agents() -> None:
    """And no more than a word can name."""
    assert (1, 4_095) == (read_circuit_agents(uint_word(1)), read_circuit_agents(uint_word(4_095)))
    for agents in (0, 4_096, 2**200):
        with pytest.raises(AnswerUnfit):
            read_circuit_agents(uint_word(agents))


@pytest.mark.parametrize("numbers", [[], [7], [0, 2**256 - 1, 5]])
def test_an_array_is_read_as_solidity_writes_it(numbers: list[int]) -> None:
    """By another library."""
    assert tuple(numbers) == read_numbers(encode(["uint256[]"], [numbers]))


def broken_arrays() -> list[bytes]:
    """Arrays that nobody writes."""
    good: Any = bytes(encode(["uint256[]"], [[1, 2]]))
    return [b"", good[:-1], good[:-32], good + bytes(32), uint_word(64) + good[32:], good[:32]]


@pytest.mark.parametrize("answer", broken_arrays())
def test_what_is_no_array_is_refused(answer: bytes) -> None:
    """Cut off, too long, or from another place."""
    with pytest.raises(AnswerUnfit):
        read_numbers(answer)
