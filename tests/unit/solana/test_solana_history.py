"""A landed transaction as the RPC tells it: what ran, in which order, and what it moved."""

from typing import Any

import pytest

from kernel import base58
from kernel.solana.history import ConfirmedTransaction, ExecutedInstruction, SignatureSeen, TokenBalance

pytestmark = pytest.mark.unit


def call(program: int, depth: int, note: bytes) -> dict[str, Any]:
    """An inner instruction at a depth of the call stack."""
    return {"programIdIndex": program, "accounts": [0], "data": base58.encode(note), "stackHeight": depth}


def answer(**changes: Any) -> dict[str, Any]:
    """getTransaction of two instructions, the second of which calls others; one account is looked up."""
    meta = {
        "err": None,
        "fee": 5_000,
        "computeUnitsConsumed": 450,
        "preBalances": [100_000, 1, 1, 0],
        "postBalances": [94_000, 1, 1, 1_000],
        "logMessages": ["Program log: hello"],
        "innerInstructions": [{"index": 1, "instructions": [call(1, 2, b"a"), call(2, 3, b"b"), call(1, 2, b"c")]}],
        "loadedAddresses": {"writable": ["Looked"], "readonly": []},
        "preTokenBalances": [{"accountIndex": 3, "mint": "M", "owner": "O", "uiTokenAmount": {"amount": "7"}}],
        "postTokenBalances": [{"accountIndex": 3, "mint": "M", "owner": "O", "uiTokenAmount": {"amount": "9"}}],
    }
    message = {
        "accountKeys": ["Payer", "ProgramA", "ProgramB"],
        "instructions": [
            {"programIdIndex": 2, "accounts": [0, 3], "data": base58.encode(b"first")},
            {"programIdIndex": 1, "accounts": [], "data": ""},
        ],
    }
    return {
        "slot": 9,
        "blockTime": 1_700_000_000,
        "transaction": {"signatures": ["Sig"], "message": message},
        "meta": {**meta, **changes},
    }


def test_what_ran_has_a_path() -> None:
    """Calls are numbered under the instruction that made them, and a call's own calls under it."""
    assert [
        ExecutedInstruction("0", "ProgramB", ("Payer", "Looked"), b"first"),
        ExecutedInstruction("1", "ProgramA", (), b""),
        ExecutedInstruction("1.0", "ProgramA", ("Payer",), b"a"),
        ExecutedInstruction("1.0.0", "ProgramB", ("Payer",), b"b"),
        ExecutedInstruction("1.1", "ProgramA", ("Payer",), b"c"),
    ] == list(ConfirmedTransaction.from_rpc(answer()).instructions)


def test_deep_calls_come_back_to_where_they_belong() -> None:
    """Down two levels, up one, up to the top."""
    depths = [2, 3, 4, 4, 3, 2, 3]
    inner = [{"index": 0, "instructions": [call(1, depth, b"") for depth in depths]}]
    ran = ConfirmedTransaction.from_rpc(answer(innerInstructions=inner)).instructions

    assert ["0", "0.0", "0.0.0", "0.0.0.0", "0.0.0.1", "0.0.1", "0.1", "0.1.0", "1"] == [one.path for one in ran]


def test_what_it_moved() -> None:
    """Lamports of named and looked-up accounts, tokens, and the fee."""
    done = ConfirmedTransaction.from_rpc(answer())

    assert (-6_000, 1_000, 0) == tuple(map(done.lamports_moved, ("Payer", "Looked", "Stranger")))
    assert (TokenBalance("Looked", "M", "O", 7, 9),) == done.tokens
    assert ("Sig", 9, 1_700_000_000, None, 5_000, 450) == (
        done.signature,
        done.slot,
        done.block_time_s,
        done.error,
        done.fee_lamports,
        done.units,
    )


def test_a_new_token_account_held_nothing_before() -> None:
    """An account that is made or closed has one of the two balances."""
    done = ConfirmedTransaction.from_rpc(answer(preTokenBalances=[]))

    assert (TokenBalance("Looked", "M", "O", 0, 9),) == done.tokens


def test_balances_must_fit_the_accounts() -> None:
    """A provider that leaves accounts out is not read."""
    with pytest.raises((LookupError, ValueError)):
        ConfirmedTransaction.from_rpc(answer(loadedAddresses=None))


def test_a_line_of_history_is_read() -> None:
    """From getSignaturesForAddress; a block without a time has none."""
    line = {"signature": "Sig", "slot": 9, "err": "AccountInUse", "blockTime": None}

    assert SignatureSeen("Sig", 9, "AccountInUse", None) == SignatureSeen.from_rpc(line)
