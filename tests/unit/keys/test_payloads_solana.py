"""What a person is shown of a Solana message, and which messages compete for one slot."""

from typing import Any

import pytest

from kernel import base58
from kernel.keys.payloads_solana import NonceNotDurable, SolanaPayloads, asked
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.transactions import DurableNonce, compile_message, system_transfer

pytestmark = pytest.mark.unit

PAYER = LocalSolanaSigner(bytes([8] * 32)).address
NONCE_ACCOUNT, RECIPIENT = base58.encode(bytes([3] * 32)), base58.encode(bytes([4] * 32))


def message(value: int = 5, lamports: int = 70, **changes: Any) -> bytes:
    budget = {"compute_unit_limit": 1_000, "compute_unit_price": 1_000} | changes
    nonce = DurableNonce(NONCE_ACCOUNT, PAYER, base58.encode(bytes([value] * 32)))
    return compile_message(PAYER, [system_transfer(PAYER, RECIPIENT, lamports)], durable_nonce=nonce, **budget)


@pytest.mark.parametrize(
    ("limit", "price", "fee"),
    [(1_000, 1_000, 5_001), (1_000, 1, 5_001), (1_000, 0, 5_000), (1_400_000, 10**6, 1_405_000)],
)
def test_the_fee_shown_is_rounded_up(limit: int, price: int, fee: int) -> None:
    """As the chain rounds it: a part of a lamport costs a whole one."""
    summary = asked(message(compute_unit_limit=limit, compute_unit_price=price), PAYER, "devnet").summary

    assert summary["fee_max_lamports"] == str(fee)


def test_each_value_of_a_nonce_is_a_slot() -> None:
    """Messages over one value exclude each other; over two values they do not."""
    slots = [asked(one, PAYER, "devnet").slot for one in (message(), message(lamports=71), message(value=6))]

    assert slots[0] == slots[1] == f"nonce:{NONCE_ACCOUNT}:{base58.encode(bytes([5] * 32))}"
    assert slots[2] not in slots[:2]


def test_a_wish_is_what_it_does_and_not_what_it_costs() -> None:
    """Another amount or nonce is another wish."""
    same = SolanaPayloads().same_wish

    assert same(message(), message(compute_unit_price=9, compute_unit_limit=5))
    assert not same(message(), message(lamports=71))
    assert not same(message(), message(value=6))


def test_a_blockhash_is_no_nonce() -> None:
    """A transfer first is no advance either."""
    over_a_blockhash = compile_message(
        PAYER, [system_transfer(PAYER, RECIPIENT, 1)], blockhash=base58.encode(bytes([5] * 32))
    )
    with pytest.raises(NonceNotDurable):
        asked(over_a_blockhash, PAYER, "devnet")

    assert asked(message(), PAYER, "devnet").chain == "solana:devnet"


def test_the_sentence_says_what_moves() -> None:
    """Amount, both ends, and who pays."""
    sentence = asked(message(), PAYER, "devnet").summary["sentence"]

    assert f"moving 70 lamports from {PAYER} to {RECIPIENT}; {PAYER} pays at most 5001 lamports" in sentence
