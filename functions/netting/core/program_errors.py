"""Owns the program's own errors by their names, as infra/contracts/netting/state.h numbers them."""

from collections.abc import Mapping
from typing import Any, Final

NAMES: Final[Mapping[int, str]] = {
    6000: "unauthorized",
    6001: "paused",
    6002: "unbalanced",
    6003: "duplicate_item",
    6004: "position_too_large",
    6005: "too_many",
    6006: "wrong_account",
    6007: "insufficient_funds",
    6008: "not_owner",
    6009: "too_early",
    6010: "out_of_order",
    6011: "debit_after_credit",
    6012: "wrong_token",
    6013: "not_signed",
    6014: "session_unfit",
    6015: "already_there",
    6017: "duplicate_wallet",
    6023: "batch_not_new",
}
UNKNOWN: Final = "program_error"


def name_of(error: Any) -> str:
    """The name in a transaction's error, `{"InstructionError": [2, {"Custom": 6023}]}`; UNKNOWN for any other."""
    if not isinstance(error, Mapping):
        return UNKNOWN
    match error.get("InstructionError"):
        case [int(), {"Custom": int(number)}]:
            return NAMES.get(number, UNKNOWN)
    return UNKNOWN
