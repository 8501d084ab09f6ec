"""Helius' raw deliveries: what a transaction names, calls and logs, and what is refused."""

from typing import Any

import pytest

from functions.ops.core.hooks.fields import DeliveryUnfit
from functions.ops.core.hooks.helius import LandedTransaction, notice_of
from tests.unit.hooks.payloads import PAYER, PROGRAM, SIGNATURE, altered, transaction, without

pytestmark = pytest.mark.unit

TABLED = "So11111111111111111111111111111111111111112"
OTHER = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


def landed(told: Any) -> LandedTransaction:
    return notice_of([told], "mainnet").transactions[0]


def refusal(told: Any) -> str:
    with pytest.raises(DeliveryUnfit) as refused:
        notice_of(told, "mainnet")
    assert refused.value.status == 422
    return str(refused.value.details["field"])


def test_a_transaction_is_told_whole() -> None:
    """Signature, slot, accounts, programs and logs."""
    told = landed(transaction())

    assert (told.signature, told.slot, told.succeeded) == (SIGNATURE, 55, True)
    assert (told.accounts, told.programs) == (frozenset({PAYER, PROGRAM}), (PROGRAM,))
    assert told.logs == tuple(transaction()["meta"]["logMessages"])
    assert notice_of([], "devnet").chain == "solana:devnet"


def test_a_failed_transaction_says_so() -> None:
    """Whatever its error is."""
    assert landed(transaction(err={"InstructionError": [0, "Custom"]})).succeeded is False


def test_a_transaction_is_known_by_its_first_signature() -> None:
    """Others are those of its co-signers."""
    told = altered(transaction(), "transaction.signatures", [SIGNATURE, "4" * 88])

    assert landed(told).signature == SIGNATURE


def test_accounts_of_lookup_tables_count_after_the_own_ones_the_writable_first() -> None:
    """As the runtime counts them."""
    told = altered(
        transaction(loadedAddresses={"writable": [TABLED], "readonly": [OTHER]}),
        "transaction.message.instructions",
        [{"programIdIndex": 2}, {"programIdIndex": 3}],
    )

    assert landed(told).programs == (TABLED, OTHER)
    assert {TABLED, OTHER} <= landed(told).accounts


def test_a_node_without_tables_or_logs_is_let_be() -> None:
    """Old transactions have no loaded addresses, and some nodes keep no logs."""
    bare = without(transaction(logMessages=None), "meta.loadedAddresses")

    assert landed(bare).logs == ()
    assert landed(transaction(loadedAddresses=None)).accounts == frozenset({PAYER, PROGRAM})


def test_the_enhanced_form_is_refused() -> None:
    """It tells Helius' reading of the transaction, not what the programs said."""
    enhanced = {"signature": SIGNATURE, "slot": 55, "type": "TRANSFER", "source": "SYSTEM_PROGRAM", "events": {}}

    assert refusal([enhanced]) == "0.transaction"


@pytest.mark.parametrize(
    "path",
    [
        "slot",
        "meta",
        "meta.err",
        "meta.logMessages",
        "transaction",
        "transaction.signatures",
        "transaction.message",
        "transaction.message.accountKeys",
        "transaction.message.instructions",
        "transaction.message.instructions.0.programIdIndex",
    ],
)
def test_a_missing_field_is_refused_by_its_name(path: str) -> None:
    """A transaction without `err` is not taken for one that succeeded."""
    assert refusal([transaction(), without(transaction(), path)]) == f"1.{path}"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("slot", -1, "slot"),
        ("transaction.signatures", [], "transaction.signatures"),
        ("transaction.signatures", ["0" * 88], "transaction.signatures.0"),
        ("transaction.message.accountKeys", [PAYER, {"pubkey": PROGRAM}], "transaction.message.accountKeys.1"),
        ("transaction.message.accountKeys", "PAYER", "transaction.message.accountKeys"),
        ("meta.logMessages", [1], "meta.logMessages.0"),
        ("meta.loadedAddresses", {"writable": []}, "meta.loadedAddresses.readonly"),
        (
            "transaction.message.instructions.0.programIdIndex",
            2,
            "transaction.message.instructions.0.programIdIndex",
        ),
        (
            "transaction.message.instructions.0.programIdIndex",
            -1,
            "transaction.message.instructions.0.programIdIndex",
        ),
    ],
)
def test_another_form_is_refused_by_its_name(path: str, value: Any, field: str) -> None:
    """An index from the end of the accounts would name another program."""
    assert refusal([altered(transaction(), path, value)]) == f"0.{field}"


@pytest.mark.parametrize("told", [None, {}, "x", 1])
def test_what_is_no_list_is_refused(told: Any) -> None:
    """Helius sends lists only."""
    assert refusal(told) == "body"
