"""Owns one event of a Solana program as a value."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

FAMILY: Final = "solana"
_PATH: Final = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaEvent:
    """What a program said in one transaction, or its retraction (which only a cursor below `finalized` can meet).

    instruction_path: which instruction said it, counted from 0 and by its calls: "2" is the third instruction of the
    transaction, "2.1" the second program that it called; empty for an event that is the whole transaction.
    ordinal: which of that instruction's events, counted from 0. program: empty for a whole transaction.
    data: what the program logged, decoded.
    """

    cluster: str
    slot: int
    signature: str
    instruction_path: str
    program: str
    data: bytes
    ordinal: int = 0
    #: Whether the transaction went through; a cursor delivers what failed only on request.
    succeeded: bool = True
    removed: bool = False
    occurrence: int = 1

    def __post_init__(self) -> None:
        """Refuse a path that is none: ValueError."""
        if self.instruction_path and not _PATH.fullmatch(self.instruction_path):
            raise ValueError(f"an instruction's path is numbers with dots, not {self.instruction_path!r}")

    @property
    def identity(self) -> str:
        """The business key of its task. The slot is no part of it: a transaction may land in another after a fork."""
        place = f"{self.signature}:{self.instruction_path}:{self.ordinal}"
        again = f":{self.occurrence}" if self.occurrence > 1 else ""
        return f"{FAMILY}:{self.cluster}:{place}{again}{':removed' if self.removed else ''}"

    def retraction(self) -> Self:
        """That this event did not happen after all."""
        return replace(self, removed=True)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; `data` in base64, as the chain's log has it."""
        return {
            "family": FAMILY,
            "cluster": self.cluster,
            "slot": self.slot,
            "signature": self.signature,
            "instruction_path": self.instruction_path,
            "ordinal": self.ordinal,
            "program": self.program,
            "data": base64.b64encode(self.data).decode(),
            "succeeded": self.succeeded,
            "removed": self.removed,
            "occurrence": self.occurrence,
        }

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> Self:
        """From a JSON object. Raises KeyError, ValueError."""
        if event["family"] != FAMILY:
            raise ValueError(f"an event of {event['family']!r} is none of Solana")
        return cls(
            cluster=str(event["cluster"]),
            slot=int(event["slot"]),
            signature=str(event["signature"]),
            instruction_path=str(event["instruction_path"]),
            ordinal=int(event["ordinal"]),
            program=str(event["program"]),
            data=base64.b64decode(event["data"], validate=True),
            succeeded=bool(event["succeeded"]),
            removed=bool(event["removed"]),
            occurrence=int(event["occurrence"]),
        )
