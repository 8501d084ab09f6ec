"""Owns the reading of a transaction's log: which program said what, in which of its calls (pure).

The runtime writes a line when a program is entered, with its depth, and one when it leaves; what lies between is said
by the innermost program that was entered and has not left. So a line `Program data: …` is worth as much as the program
that it is inside of: any program can log the same octets, but none can log the runtime's own lines, because all that a
program logs as text begins with `Program log: `.

A call's path is "2" for the third instruction of the transaction and "2.1" for the second call that it made. A log
alone does not tell it: precompiled programs run without a line. So the transaction's own list of instructions is read
along, and a log that does not fit it is not believed.

A node cuts long logs off and says so, by a last line `Log truncated`. What came before it holds; what came after it is
unknown.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_ENTERED: Final = re.compile(r"Program ([1-9A-HJ-NP-Za-km-z]{32,44}) invoke \[(\d+)\]")
_LEFT: Final = re.compile(r"Program ([1-9A-HJ-NP-Za-km-z]{32,44}) (?:success|failed: .*)", re.DOTALL)
_DATA: Final = "Program data: "
_TRUNCATED: Final = "Log truncated"

#: They check signatures inside the runtime, and leave no line.
PRECOMPILES: Final = frozenset(
    (
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    )
)


class LogsUnreadable(Exception):
    """A log that does not fit the transaction's instructions, or itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One `Program data` line: the call it was said in, which of that call's lines it is, by whom, and what.

    Several fields in one line are joined: where one ends, the program's own format says.
    """

    path: str
    ordinal: int
    program: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was said, in order; incomplete when the log was cut off."""

    said: tuple[Said, ...]
    is_truncated: bool


@dataclass(slots=True)
class _Call:
    path: str
    program: str
    calls: int = 0


@dataclass(slots=True)
class _Reader:
    instructions: Sequence[str]
    entered: int = 0  # instructions of the transaction that were entered or passed by
    stack: list[_Call] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def enter(self, program: str, depth: int) -> None:
        if depth != len(self.stack) + 1:
            raise LogsUnreadable(f"depth {depth} is entered from depth {len(self.stack)}")
        if self.stack:
            caller = self.stack[-1]
            path, caller.calls = f"{caller.path}.{caller.calls}", caller.calls + 1
        else:
            self._pass_precompiles(program)
            if self.instructions[self.entered : self.entered + 1] != [program]:
                raise LogsUnreadable(f"no instruction {self.entered} calls {program}")
            path, self.entered = str(self.entered), self.entered + 1
        self.stack.append(_Call(path, program))

    def leave(self, program: str) -> None:
        if not self.stack or self.stack.pop().program != program:
            raise LogsUnreadable(f"{program} leaves without being entered")

    def say(self, fields: str) -> None:
        if not self.stack:
            raise LogsUnreadable("something is said outside of every program")
        call = self.stack[-1]
        try:
            data = b"".join(base64.b64decode(one, validate=True) for one in fields.split(" "))
        except binascii.Error as odd:
            raise LogsUnreadable("what is said is not base64") from odd
        self.said.append(Said(path=call.path, ordinal=self.counts[call.path], program=call.program, data=data))
        self.counts[call.path] += 1

    def end(self, *, succeeded: bool) -> None:
        self._pass_precompiles("")
        if self.stack:
            raise LogsUnreadable(f"{self.stack[-1].program} never leaves")
        if succeeded and self.entered < len(self.instructions):
            raise LogsUnreadable(f"instruction {self.entered} left no line")

    def _pass_precompiles(self, program: str) -> None:
        while self.entered < len(self.instructions) and self.instructions[self.entered] in PRECOMPILES - {program}:
            self.entered += 1


def read(logs: Sequence[str], instructions: Sequence[str], *, succeeded: bool = True) -> Reading:
    """What the programs of a transaction said. instructions: the program of each, those of inner calls left out.

    Raises LogsUnreadable.
    """
    reader = _Reader(list(instructions))
    for line in logs:
        if line == _TRUNCATED:
            return Reading(said=tuple(reader.said), is_truncated=True)
        if entered := _ENTERED.fullmatch(line):
            reader.enter(entered.group(1), int(entered.group(2)))
        elif left := _LEFT.fullmatch(line):
            reader.leave(left.group(1))
        elif line.startswith(_DATA):
            reader.say(line.removeprefix(_DATA))
    reader.end(succeeded=succeeded)
    return Reading(said=tuple(reader.said), is_truncated=False)
