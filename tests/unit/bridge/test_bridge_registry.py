"""The bytes of both generations of the registry."""

import json
from typing import Any, Final

import pytest
from eth_abi.abi import encode
from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.registry import (
    STARKNET_CHAIN_ID,
    TRANSFER_EVENT,
    Family,
    L2Gas,
    Payment,
    Version,
    chain_of,
    claim_call,
    decode_transfer,
    is_paid,
    transfer_call,
    transfer_key,
    transfers_call,
)
from kernel.abi import WordMalformed
from tests.repo.house import ROOT

pytestmark = pytest.mark.unit

FACTS: Final = json.loads((ROOT / "tests/fixtures/bridge/registry.json").read_text())
RECIPIENT: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
LEADING_ZEROS: Final = "0x000000000000000000000000000000000000dEaD"
GAS: Final = L2Gas(limit=1_000_000, per_pubdata_byte=800)
uint256 = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


def payment(order_id: int = 17, recipient: str = RECIPIENT, amount_wei: int = 5, chain: int = 1) -> Payment:
    """A payment through the registry."""
    return Payment(order_id=order_id, recipient=recipient, amount_wei=amount_wei, chain=chain)


def called(signature: str, types: list[str], values: list[Any]) -> bytes:
    """What another encoder makes of a call."""
    return bytes(keccak(text=signature)[:4]) + encode(types, values)


def test_the_published_key_of_the_first_generation() -> None:
    """As its own tests have it."""
    [fact] = FACTS["v1_index"]

    assert fact["key"] == "0x" + transfer_key(1, fact["order"], fact["dest"], int(fact["amount"]), fact["chain"]).hex()


@given(uint256, addresses, uint256, st.integers(0, 255))
def test_a_key_of_the_first_generation_is_what_solidity_packs(
    order_id: int, recipient: str, amount_wei: int, chain: int
) -> None:
    """The recipient is a whole word there, so leading zero bytes count."""
    packed = encode_packed(
        ["uint256", "uint256", "uint256", "uint8"], [order_id, int(recipient, 16), amount_wei, chain]
    )

    assert keccak(packed) == transfer_key(1, order_id, recipient, amount_wei, chain)


@given(uint256, addresses, uint256, st.integers(0, 2**128 - 1))
def test_a_key_of_the_second_generation_is_what_solidity_packs(
    order_id: int, recipient: str, amount_wei: int, chain: int
) -> None:
    """Twenty bytes of recipient, sixteen of chain."""
    packed = encode_packed(["uint256", "address", "uint256", "uint128"], [order_id, recipient, amount_wei, chain])

    assert keccak(packed) == transfer_key(2, order_id, recipient, amount_wei, chain)


@pytest.mark.parametrize(("version", "chain"), [(1, 256), (2, 2**128)])
def test_a_chain_that_is_wider_than_its_field_is_refused(version: int, chain: int) -> None:
    """It would be a payment for another chain."""
    with pytest.raises(OverflowError):
        transfer_key(version, 1, RECIPIENT, 1, chain)
    with pytest.raises(OverflowError):
        transfer_call(version, payment(chain=chain))


def test_an_unknown_generation_is_refused() -> None:
    """There are two."""
    with pytest.raises(ValueError, match="3 is not a valid Version"):
        transfer_key(3, 1, RECIPIENT, 1, 1)


@pytest.mark.parametrize("recipient", [RECIPIENT, LEADING_ZEROS])
def test_the_calls_that_pay(recipient: str) -> None:
    """The published selectors, and words as another encoder writes them."""
    first, second = transfer_call(1, payment(recipient=recipient)), transfer_call(2, payment(recipient=recipient))

    assert (
        called("transfer(uint256,uint256,uint8)", ["uint256", "uint256", "uint8"], [17, int(recipient, 16), 1]) == first
    )
    assert called("transfer(uint256,address,uint128)", ["uint256", "address", "uint128"], [17, recipient, 1]) == second
    assert ("d71b8af0", "76b5eddc") == (first[:4].hex(), second[:4].hex())


def test_the_claims_of_one_payment() -> None:
    """Four calls, with the published selectors where there are any."""
    limits = [GAS.limit, GAS.per_pubdata_byte]
    three, five = "uint256,uint256,uint256", "uint256,uint256,uint256,uint256,uint256"
    words, more = [17, int(RECIPIENT, 16), 5], [17, int(RECIPIENT, 16), 5, *limits]

    assert called(f"claimPayment({three})", ["uint256"] * 3, words) == claim_call(1, Family.STARKNET, [payment()])
    assert called(f"claimPaymentZKSync({five})", ["uint256"] * 5, more) == claim_call(
        1, Family.ZKSYNC, [payment()], GAS
    )
    assert called(
        "claimPaymentStarknet(uint256,address,uint256)", ["uint256", "address", "uint256"], [17, RECIPIENT, 5]
    ) == claim_call(2, Family.STARKNET, [payment()])
    assert called(
        "claimPaymentZKSync(uint256,address,uint256,uint256,uint256)",
        ["uint256", "address", "uint256", "uint256", "uint256"],
        [17, RECIPIENT, 5, *limits],
    ) == claim_call(2, Family.ZKSYNC, [payment()], GAS)
    assert "c1f9789a" == claim_call(1, Family.STARKNET, [payment()])[:4].hex()
    assert "0b5e4f1a" == claim_call(1, Family.ZKSYNC, [payment()], GAS)[:4].hex()


@given(st.lists(st.tuples(uint256, addresses, uint256), min_size=2, max_size=5))
def test_the_claims_of_several_payments(rows: list[tuple[int, str, int]]) -> None:
    """Three lists of the same length, and for zkSync what the call may use."""
    several = [payment(order_id, recipient, amount) for order_id, recipient, amount in rows]
    lists = [list(column) for column in zip(*rows, strict=True)]
    types = ["uint256[]", "address[]", "uint256[]"]

    assert called("claimPaymentBatchStarknet(uint256[],address[],uint256[])", types, lists) == claim_call(
        2, Family.STARKNET, several
    )
    assert called(
        "claimPaymentBatchZKSync(uint256[],address[],uint256[],uint256,uint256)",
        [*types, "uint256", "uint256"],
        [*lists, GAS.limit, GAS.per_pubdata_byte],
    ) == claim_call(2, Family.ZKSYNC, several, GAS)


@pytest.mark.parametrize(
    ("version", "family", "count", "gas"),
    [
        (1, Family.STARKNET, 2, None),
        (1, Family.ZKSYNC, 2, GAS),
        (2, Family.STARKNET, 0, None),
        (2, Family.STARKNET, 1, GAS),
        (2, Family.ZKSYNC, 1, None),
    ],
)
def test_a_claim_that_no_registry_has_is_refused(version: int, family: Family, count: int, gas: L2Gas | None) -> None:
    """The first generation knows no batches; only zkSync asks for gas."""
    with pytest.raises(ValueError, match="no such claim"):
        claim_call(version, family, [payment()] * count, gas)


def test_a_payment_is_read_from_its_event() -> None:
    """And who made it: an order that we paid goes on, one that another paid is his."""
    topics, payer = [int.to_bytes(17, 32, "big")], LEADING_ZEROS
    first = encode(["address", "(uint256,uint256,bool,uint8)"], [payer, (int(RECIPIENT, 16), 5, True, 1)])
    second = encode(["address", "address", "uint256", "uint128"], [payer, RECIPIENT, 5, 1])

    assert (payment(), payer) == decode_transfer(1, [TRANSFER_EVENT[Version.V1], *topics], first)
    assert (payment(), payer) == decode_transfer(2, [TRANSFER_EVENT[Version.V2], *topics], second)


def test_an_event_of_the_other_generation_is_refused() -> None:
    """Its words mean something else."""
    data = encode(["address", "address", "uint256", "uint128"], [LEADING_ZEROS, RECIPIENT, 5, 1])

    with pytest.raises(WordMalformed):
        decode_transfer(1, [TRANSFER_EVENT[Version.V2], bytes(32)], data)
    with pytest.raises(WordMalformed):
        decode_transfer(1, [TRANSFER_EVENT[Version.V1], bytes(32)], data)


def test_whether_a_payment_was_made() -> None:
    """Four words of the first generation, one of the second; another registry behind the address is noticed."""
    types = ["uint256", "uint256", "bool", "uint8"]

    assert is_paid(1, encode(types, [int(RECIPIENT, 16), 5, True, 1]))
    assert not is_paid(1, encode(types, [0, 0, False, 0]))
    assert (True, False) == (is_paid(2, encode(["bool"], [True])), is_paid(2, encode(["bool"], [False])))
    with pytest.raises(WordMalformed):
        is_paid(2, encode(types, [0, 0, False, 0]))
    assert called("transfers(bytes32)", ["bytes32"], [b"\7" * 32]) == transfers_call(b"\7" * 32)


def test_what_each_generation_calls_an_origin() -> None:
    """The second uses chain ids; that of Starknet is its name in ASCII."""
    assert (0, 1, 324) == (chain_of(1, Family.STARKNET), chain_of(1, Family.ZKSYNC), chain_of(2, Family.ZKSYNC))
    assert b"SN_MAIN" == STARKNET_CHAIN_ID.to_bytes(7, "big")
