"""What is of a watch: the same events, whoever tells them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.chain_events import EvmEvent, SolanaEvent
from kernel.evm.blocks import Log
from kernel.evm.log_cursor import Watch
from kernel.solana.program_cursor import ProgramWatch, Wanted
from kernel.watches import spoken, wants
from kernel.watches.matching import LogsUnreadable
from tests.unit.hooks.payloads import CHAIN_ID, CONTRACT, PAYER, PROGRAM, SIGNATURE

pytestmark = pytest.mark.unit

A, B, C = (bytes([one]) * 32 for one in (1, 2, 3))
OTHER = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOPICS = st.one_of(st.none(), st.sampled_from([A, B]), st.lists(st.sampled_from([A, B, C]), max_size=2).map(tuple))
SAID = [f"Program {PROGRAM} invoke [1]", "Program data: AQI=", f"Program {PROGRAM} success"]


def watch(**changes: Any) -> Watch:
    fields: dict[str, Any] = {
        "name": "w",
        "chain_id": CHAIN_ID,
        "addresses": (CONTRACT,),
        "kind": "bridge.events",
        "start_block": 5,
    }
    return Watch(**(fields | changes))


def event(**changes: Any) -> EvmEvent:
    fields: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "block_number": 5,
        "block_hash": A,
        "transaction_hash": B,
        "log_index": 0,
        "address": CONTRACT,
        "topics": (A, B),
        "data": b"",
    }
    return EvmEvent(**(fields | changes))


def program(**changes: Any) -> ProgramWatch:
    fields: dict[str, Any] = {"name": "p", "cluster": "mainnet", "address": PROGRAM, "kind": "netting.events"}
    return ProgramWatch(**(fields | changes))


def told(wanted: ProgramWatch, **changes: Any) -> list[SolanaEvent]:
    fields: dict[str, Any] = {
        "signature": SIGNATURE,
        "slot": 10,
        "succeeded": True,
        "accounts": {PAYER, PROGRAM},
        "programs": (PROGRAM,),
        "logs": SAID,
    }
    return spoken(wanted, **(fields | changes))


@given(st.lists(TOPICS, max_size=4), st.lists(st.sampled_from([A, B, C]), max_size=4))
def test_a_watch_wants_what_its_cursor_wants(wanted: Any, topics: list[bytes]) -> None:
    """For any topics asked for and any topics logged."""
    log = Log(
        address=CONTRACT,
        topics=tuple(topics),
        data=b"",
        block_number=5,
        block_hash=A,
        transaction_hash=B,
        log_index=0,
    )
    one = watch(topics=tuple(wanted))

    assert wants(one, event(topics=tuple(topics))) == one.wants(log)


@pytest.mark.parametrize(("topics", "is_wanted"), [((), False), ((A,), False), ((A, B), True), ((A, B, C), True)])
def test_a_log_has_at_least_the_topics_that_are_asked_for(topics: tuple[bytes, ...], is_wanted: bool) -> None:
    """Also where any topic will do, as eth_getLogs has it."""
    assert wants(watch(topics=(A, None)), event(topics=topics)) is is_wanted


def test_a_watch_is_of_one_chain() -> None:
    """The same address on another chain is another contract."""
    assert (wants(watch(), event()), wants(watch(), event(chain_id=10))) == (True, False)


def test_a_watch_begins_at_its_block() -> None:
    """With it."""
    assert [wants(watch(), event(block_number=number)) for number in (4, 5, 6)] == [False, True, True]


def test_a_program_s_words_are_told_with_their_place() -> None:
    """As the cursor tells them."""
    wanted = SolanaEvent(
        cluster="mainnet", slot=10, signature=SIGNATURE, instruction_path="0", program=PROGRAM, data=b"\x01\x02"
    )

    assert told(program()) == [wanted]


def test_only_the_watched_program_s_words_count() -> None:
    """Any program can say the same."""
    logs = [f"Program {OTHER} invoke [1]", "Program data: AQI=", f"Program {OTHER} success"]

    assert told(program(), programs=(OTHER,), logs=logs) == []
    assert told(program(), accounts={PAYER}) == []


def test_what_failed_is_told_on_request() -> None:
    """And says so; what succeeded is told either way."""
    failed = [f"Program {PROGRAM} invoke [1]", "Program data: AQI=", f"Program {PROGRAM} failed: no"]
    asked = told(program(with_failed=True), succeeded=False, logs=failed)

    assert told(program(), succeeded=False, logs=failed) == []
    assert [one.succeeded for one in asked] == [False]
    assert len(told(program(with_failed=True))) == 1


def test_a_watch_of_a_program_begins_at_its_slot() -> None:
    """With the slot itself, after the transaction that was last."""
    begins = program(start_slot=10, start_after=SIGNATURE)

    assert told(program(start_slot=11)) == []
    assert len(told(program(start_slot=10))) == 1
    assert told(begins) == []
    assert len(told(begins, signature="4" * 88)) == 1


def test_a_transaction_as_a_whole_needs_no_log() -> None:
    """Its event has no place in it and no words."""
    whole = told(program(wanted=Wanted.TRANSACTIONS), logs=[])

    assert [(one.identity, one.data, one.program) for one in whole] == [(f"solana:mainnet:{SIGNATURE}::0", b"", "")]


def test_a_log_that_does_not_fit_is_not_guessed_at() -> None:
    """The cursor asks others."""
    with pytest.raises(LogsUnreadable):
        told(program(), logs=SAID[:-1])
