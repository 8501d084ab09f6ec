"""Which program said what in a transaction's log, and which logs are not believed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.solana.history import ConfirmedTransaction, ExecutedInstruction
from kernel.solana.program_cursor.hearing import TRUNCATED, UNREADABLE, Contradiction, Heard, hear
from kernel.solana.program_cursor.program_logs import LogsUnreadable, Reading, Said, read

pytestmark = pytest.mark.unit

SYSTEM = "1" * 32
MARKET, ROUTER, THIEF = "M" * 43, "R" * 43, "T" * 43
ED25519 = "Ed25519SigVerify111111111111111111111111111"
ONE, TWO = base64.b64encode(b"one").decode(), base64.b64encode(b"two").decode()


def enter(program: str, depth: int = 1) -> str:
    return f"Program {program} invoke [{depth}]"


def success(program: str) -> str:
    return f"Program {program} success"


def said(path: str, data: bytes, program: str = MARKET, ordinal: int = 0) -> Said:
    return Said(path=path, ordinal=ordinal, program=program, data=data)


NESTED = [
    enter(SYSTEM),
    success(SYSTEM),
    enter(ROUTER),
    "Program log: routing",
    enter(SYSTEM, 2),
    success(SYSTEM),
    enter(MARKET, 2),
    f"Program data: {ONE}",
    enter(SYSTEM, 3),
    success(SYSTEM),
    f"Program data: {TWO}",
    f"Program {MARKET} consumed 513 of 203000 compute units",
    f"Program return: {MARKET} AQ==",
    success(MARKET),
    f"Program data: {TWO}",
    success(ROUTER),
]


def test_what_is_said_belongs_to_the_innermost_program() -> None:
    """Before, between and after the calls that it makes; each call has a path and counts its own lines."""
    assert read(NESTED, [SYSTEM, ROUTER]).said == (
        said("1.1", b"one"),
        said("1.1", b"two", ordinal=1),
        said("1", b"two", program=ROUTER),
    )


def test_calls_of_calls_have_paths_of_their_own() -> None:
    """The second call of the first call of the second instruction is 1.0.1."""
    logs = [enter(SYSTEM), success(SYSTEM), enter(ROUTER), enter(ROUTER, 2), enter(MARKET, 3), success(MARKET)]
    logs += [enter(MARKET, 3), f"Program data: {ONE}", success(MARKET), success(ROUTER), success(ROUTER)]

    assert read(logs, [SYSTEM, ROUTER]).said == (said("1.0.1", b"one"),)


def test_several_fields_of_a_line_are_joined() -> None:
    """Where one ends is the program's own format."""
    logs = [enter(MARKET), f"Program data: {ONE} {TWO}", success(MARKET)]

    assert read(logs, [MARKET]).said == (said("0", b"onetwo"),)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Program log: Program data: {ONE}", id="the words of an event"),
        pytest.param(f"Program log: {enter(MARKET, 2)}", id="the words of an entry"),
        pytest.param(f"Program log: x\nProgram {MARKET} invoke [2]\nProgram data: {ONE}", id="lines within a line"),
        pytest.param(f"Program log: Program {THIEF} success", id="the words of a departure"),
        pytest.param("Program log: Log truncated", id="the words of a cut"),
        pytest.param(f"Transfer: from {MARKET} to Program data: {ONE}", id="a built-in's own words"),
    ],
)
def test_no_program_can_speak_for_another(text: str) -> None:
    """What a program logs as text is text, whatever it looks like; its own data stay its own."""
    logs = [enter(THIEF), text, f"Program data: {ONE}", success(THIEF)]

    assert read(logs, [THIEF]) == Reading(said=(said("0", b"one", program=THIEF),), is_truncated=False)


def test_precompiles_leave_no_line() -> None:
    """They are instructions all the same, and count in the path."""
    logs = [enter(MARKET), f"Program data: {ONE}", success(MARKET)]

    assert read(logs, [ED25519, MARKET, ED25519]).said == (said("1", b"one"),)


def test_precompiles_that_leave_lines_are_read() -> None:
    """Where a runtime does write their lines."""
    logs = [enter(ED25519), success(ED25519), enter(MARKET), f"Program data: {ONE}", success(MARKET)]

    assert read(logs, [ED25519, MARKET]).said == (said("1", b"one"),)


def test_a_failed_transaction_ends_where_it_failed() -> None:
    """Later instructions never ran, and leave no line."""
    logs = [enter(MARKET), f"Program data: {ONE}", f"Program {MARKET} failed: custom program error: 0x1"]

    assert read(logs, [MARKET, SYSTEM], succeeded=False).said == (said("0", b"one"),)


def test_a_log_that_was_cut_off_says_so() -> None:
    """What came before holds."""
    logs = [enter(MARKET), f"Program data: {ONE}", "Log truncated"]

    assert read(logs, [MARKET, SYSTEM]) == Reading(said=(said("0", b"one"),), is_truncated=True)


@pytest.mark.parametrize(
    ("logs", "instructions"),
    [
        pytest.param([enter(MARKET, 2)], [MARKET], id="a depth that nobody entered from"),
        pytest.param([enter(MARKET)] * 2 + [success(MARKET)] * 2, [MARKET], id="a depth that was not left"),
        pytest.param([enter(MARKET), success(ROUTER)], [MARKET], id="another program leaves"),
        pytest.param([success(MARKET)], [MARKET], id="a departure without an entry"),
        pytest.param([enter(MARKET)], [MARKET], id="no departure"),
        pytest.param([enter(MARKET), success(MARKET)], [ROUTER], id="another instruction"),
        pytest.param([enter(MARKET), success(MARKET)], [], id="an instruction too many"),
        pytest.param([], [MARKET], id="no log at all"),
        pytest.param([enter(MARKET), success(MARKET)], [MARKET, SYSTEM], id="an instruction without a line"),
        pytest.param([f"Program data: {ONE}"], [], id="said outside of every program"),
        pytest.param([enter(MARKET), "Program data: ???", success(MARKET)], [MARKET], id="not base64"),
    ],
)
def test_logs_that_are_not_believed(logs: list[str], instructions: list[str]) -> None:
    """A log that does not fit itself or the instructions is no log."""
    with pytest.raises(LogsUnreadable):
        read(logs, instructions)


Tree = list["Tree"]


@given(tree=st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=3), max_leaves=12), cut=st.integers(0, 40))
def test_every_nesting_is_read_back(tree: Tree, cut: int) -> None:
    """Calls of any shape, each saying its path before and after its own calls; cut anywhere, a prefix is read."""
    logs: list[str] = []

    def run(call: Tree, path: str, depth: int) -> None:
        told = base64.b64encode(path.encode()).decode()
        logs.extend((enter(MARKET, depth), f"Program data: {told}"))
        for number, inner in enumerate(call):
            run(inner, f"{path}.{number}", depth + 1)
        logs.extend((f"Program data: {told}", success(MARKET)))

    for number, call in enumerate(tree):
        run(call, str(number), 1)
    whole = read(logs, [MARKET] * len(tree))
    part = read([*logs[:cut], "Log truncated"], [MARKET] * len(tree))

    assert all(one.data.decode() == one.path for one in whole.said)
    assert len({(one.path, one.ordinal) for one in whole.said}) == len(logs) // 2
    assert part == Reading(said=whole.said[: len(part.said)], is_truncated=True)


def transaction(logs: list[str], *programs: tuple[str, str]) -> ConfirmedTransaction:
    """A transaction with these logs, and these (path, program) that ran."""
    return ConfirmedTransaction(
        signature="5" * 88,
        slot=7,
        block_time_s=None,
        error=None,
        fee_lamports=5_000,
        units=None,
        logs=tuple(logs),
        instructions=tuple(ExecutedInstruction(path, program, (), b"") for path, program in programs),
        lamports={},
        tokens=(),
    )


RAN = [("0", SYSTEM), ("1", ROUTER), ("1.0", SYSTEM), ("1.1", MARKET), ("1.1.0", SYSTEM)]
CUT = [*NESTED[:8], "Log truncated"]
SHORTER_CUT = [*NESTED[:5], "Log truncated"]


def test_one_whole_log_is_enough() -> None:
    """Whoever cut it off is passed over."""
    whole = read(NESTED, [SYSTEM, ROUTER]).said

    assert hear([transaction(CUT, *RAN), transaction(NESTED, *RAN)]) == Heard(said=whole)
    assert hear([transaction([], *RAN), transaction(NESTED, *RAN)]) == Heard(said=whole)


def test_logs_that_are_all_cut_off_tell_what_came_before() -> None:
    """The longest of them."""
    heard = hear([transaction(SHORTER_CUT, *RAN), transaction(CUT, *RAN)])

    assert heard == Heard(said=(said("1.1", b"one"),), missing=TRUNCATED)


def test_a_transaction_without_a_readable_log_is_unheard() -> None:
    """No log, or one that names a program that the instructions do not."""
    other = [*RAN[:3], ("1.1", THIEF), RAN[4]]

    assert hear([transaction([], *RAN)]) == Heard(said=(), missing=UNREADABLE)
    assert hear([transaction(NESTED, *other)]) == Heard(said=(), missing=UNREADABLE)


def test_two_whole_logs_that_differ_are_a_contradiction() -> None:
    """Nothing says which of them is right."""
    forged = [line.replace(ONE, TWO) for line in NESTED]
    with pytest.raises(Contradiction):
        hear([transaction(NESTED, *RAN), transaction(forged, *RAN)])
