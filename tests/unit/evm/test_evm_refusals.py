"""What nodes say when they refuse a transaction, client by client."""

import pytest

from kernel.evm.refusals import MEANINGS, Refusal, meaning_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        # geth, and coreth as Flare runs it
        ("already known", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 3", Refusal.NONCE_USED),
        ("nonce too high: address 0xab, tx: 9 state: 3", Refusal.NONCE_AHEAD),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("transaction underpriced: gas tip cap 1, minimum needed 2", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0xab, maxFeePerGas: 1", Refusal.UNDERPRICED),
        ("future transaction tries to replace pending", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1", Refusal.UNFUNDED),
        ("intrinsic gas too low: gas 1, minimum needed 21000", Refusal.UNACCEPTABLE),
        ("insufficient gas for floor data gas cost: gas 1, minimum needed 2", Refusal.UNACCEPTABLE),
        ("exceeds block gas limit", Refusal.UNACCEPTABLE),
        ("oversized data: transaction size 131073, limit 131072", Refusal.UNACCEPTABLE),
        ("max priority fee per gas higher than max fee per gas", Refusal.UNACCEPTABLE),
        ("txpool is full", Refusal.BUSY),
        ("in-flight transaction limit reached for delegated accounts", Refusal.BUSY),
        ("gapped-nonce tx from delegated accounts", Refusal.NONCE_AHEAD),
        ("tx fee (1.05 ether) exceeds the configured cap (1.00 ether)", Refusal.UNACCEPTABLE),
        # Nethermind
        ("AlreadyKnown", Refusal.KNOWN),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 3", Refusal.NONCE_USED),
        ("NonceGap, Future nonce. Expected nonce: 5", Refusal.NONCE_AHEAD),
        ("FeeTooLow, MaxFeePerGas too low", Refusal.UNDERPRICED),
        ("ReplacementNotAllowed", Refusal.UNDERPRICED),
        ("InsufficientFunds, Account balance: 1, cumulative cost: 2", Refusal.UNFUNDED),
        ("GasLimitExceeded, Gas limit: 1, gas limit of rejected tx: 2", Refusal.UNACCEPTABLE),
        # Besu
        ("Known transaction", Refusal.KNOWN),
        ("Transaction nonce is too distant from current sender nonce", Refusal.NONCE_AHEAD),
        ("Gas price below configured minimum gas price", Refusal.UNDERPRICED),
        ("Upfront cost exceeds account balance", Refusal.UNFUNDED),
        # Parity's heirs
        ("Transaction with the same hash was already imported.", Refusal.KNOWN),
        ("Transaction nonce is too low. Try incrementing the nonce.", Refusal.NONCE_USED),
        # anvil
        ("transaction already imported", Refusal.KNOWN),
        ("Insufficient funds for gas * price + value", Refusal.UNFUNDED),
        ("nonce too low", Refusal.NONCE_USED),
        # nobody
        ("the node is having a bad day", Refusal.UNKNOWN),
        ("unknown transaction type 2", Refusal.UNKNOWN),
        ("", Refusal.UNKNOWN),
    ],
)
def test_each_clients_words_have_one_meaning(words: str, meaning: Refusal) -> None:
    """The prose of a refusal decides what becomes of the entry."""
    assert meaning_of(words) == meaning


@pytest.mark.parametrize(
    "words",
    [
        "transaction gas limit too high (cap: 16777216, tx: 17000000)",  # geth
        "exceeds block gas limit: tx gas limit 17000000, block gas limit 16777216",
        "TxGasLimitCapExceeded: Gas limit 17000000 exceeded cap of 16777216.",  # Nethermind
        "Transaction gas limit must be at most 16777216",  # Besu
        "Transaction gas limit of 17000000 exceeds block gas limit of 16777216",
        "transaction's gas limit 17000000 exceeds block's gas limit 16777216",  # reth
        "transaction gas limit (17000000) is greater than the cap (16777216)",  # and what reth and anvil run
        "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit",  # anvil
        "MAX_GAS_LIMIT_EXCEEDED",  # the name that EIP-7825 proposes
    ],
)
def test_a_gas_limit_above_the_cap_is_not_sent_for_ever(words: str) -> None:
    """No node will ever take it, whoever words it: its nonce goes to nothing."""
    assert Refusal.UNACCEPTABLE == meaning_of(words)


def test_a_block_that_is_full_refuses_no_gas_limit() -> None:
    """The next one may have room."""
    assert Refusal.UNKNOWN == meaning_of("gas limit reached")


def test_no_row_is_shadowed_by_an_earlier_one_of_another_meaning() -> None:
    """The first matching row wins, so a row's own words must lead to its meaning."""
    shadowed = [fragment for fragment, meaning in MEANINGS if meaning_of(fragment) != meaning]

    assert shadowed == []


def test_every_meaning_but_the_unknown_has_a_row() -> None:
    """A meaning that no words lead to would be dead."""
    assert {meaning for _, meaning in MEANINGS} | {Refusal.UNKNOWN} == set(Refusal)


def test_the_rows_are_in_small_letters() -> None:
    """Words are lowered before they are compared; a row with a capital would never match."""
    assert [fragment for fragment, _ in MEANINGS if fragment != fragment.lower()] == []
