"""What Agave's and Surfpool's words mean, from their own mouths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.solana.refusals import MEANINGS, Refusal, RuntimeFailure, meaning_of, meaning_of_failure

pytestmark = pytest.mark.unit

VERIFICATION = 'Transaction verification failed for transaction Internal error: "Transaction error: '


@pytest.mark.parametrize(
    ("code", "words", "meaning"),
    [
        (-32002, "Transaction simulation failed: Blockhash not found", Refusal.EXPIRED),
        (-32002, "Transaction simulation failed: This transaction has already been processed", Refusal.KNOWN),
        (-32002, VERIFICATION + 'This transaction has already been processed"', Refusal.KNOWN),
        (-32002, VERIFICATION + 'Transaction did not pass signature verification"', Refusal.UNACCEPTABLE),
        (
            -32002,
            "Transaction simulation failed: Attempt to debit an account but found no record of a prior credit.",
            Refusal.UNFUNDED,
        ),
        (-32002, "Transaction simulation failed: Insufficient funds for fee", Refusal.UNFUNDED),
        (
            -32002,
            "Transaction simulation failed: Transaction results in an account (1) with insufficient funds for rent",
            Refusal.UNFUNDED,
        ),
        (
            -32002,
            "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1",
            Refusal.FAILING,
        ),
        (-32002, "Transaction simulation failed: Account in use", Refusal.CONTENDED),
        (
            -32002,
            "Transaction simulation failed: Would exceed max account cost limit within the block",
            Refusal.CONTENDED,
        ),
        (-32002, "Transaction simulation failed: Too many account locks", Refusal.UNACCEPTABLE),
        (
            -32002,
            "Transaction simulation failed: Transaction loads an address table account that doesn't exist",
            Refusal.FAILING,
        ),
        (-32002, "words of next year", Refusal.FAILING),
        (-32003, "Transaction signature verification failure", Refusal.UNACCEPTABLE),
        (-32005, "Node is behind by 142 slots", Refusal.BUSY),
        (-32016, "Minimum context slot has not been reached", Refusal.BUSY),
        (-32602, "failed to deserialize solana_transaction::versioned::VersionedTransaction", Refusal.UNACCEPTABLE),
        (-32602, "base64 encoded solana_transaction too large: 1684 bytes", Refusal.UNACCEPTABLE),
        (-32602, "invalid transaction: Transaction failed to sanitize accounts offsets", Refusal.UNACCEPTABLE),
        (-32602, "unknown field maxRetries", Refusal.UNKNOWN),
        (429, "", Refusal.BUSY),
        (-32000, "the provider failed", Refusal.UNKNOWN),
    ],
)
def test_a_refusal_has_a_meaning(code: int, words: str, meaning: Refusal) -> None:
    """Words before codes; what nobody knows is unknown."""
    assert meaning == meaning_of(words, code)


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        ("BlockhashNotFound", Refusal.EXPIRED),
        ("AlreadyProcessed", Refusal.KNOWN),
        ("InsufficientFundsForFee", Refusal.UNFUNDED),
        ({"InsufficientFundsForRent": {"account_index": 1}}, Refusal.UNFUNDED),
        ("AccountInUse", Refusal.CONTENDED),
        ("WouldExceedMaxBlockCostLimit", Refusal.CONTENDED),
        ("ClusterMaintenance", Refusal.BUSY),
        ({"InstructionError": [0, {"Custom": 1}]}, Refusal.FAILING),
        ("AddressLookupTableNotFound", Refusal.FAILING),
        ("SanitizeFailure", Refusal.UNACCEPTABLE),
        ("TooManyAccountLocks", Refusal.UNACCEPTABLE),
        ({"DuplicateInstruction": 2}, Refusal.UNACCEPTABLE),
        ("ANewFailure", Refusal.UNKNOWN),
    ],
)
def test_a_runtime_error_has_a_meaning(failure: RuntimeFailure, meaning: Refusal) -> None:
    """The names of the runtime's errors, alone or with their details, have the same table."""
    assert meaning == meaning_of_failure(failure)


@given(st.sampled_from([fragment for fragment, _ in MEANINGS]))
def test_a_program_cannot_speak_for_the_node(words: str) -> None:
    """What a program logs follows the node's words, and is not read."""
    told = f"Error processing Instruction 0: custom program error: 0x1: 2 log messages:\nProgram log: {words}"

    assert Refusal.FAILING == meaning_of(told, -32002)
