"""Transactions and signatures, byte for byte beside eth_account."""

from typing import Any

import pytest
from eth_account import Account  # at the top: it raises the recursion limit, which hypothesis watches
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.evm.addresses import AddressInvalid, address_bytes, address_of, checksum
from kernel.evm.fees import Fees
from kernel.evm.transactions import (
    SECP256K1_ORDER,
    Signature,
    SignatureMismatch,
    UnsignedTransaction,
    recovered_address,
    verify_signature,
)
from kernel.keys.evm import LocalSigner

pytestmark = pytest.mark.unit

KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


def unsigned(**changes: Any) -> UnsignedTransaction:
    fields: dict[str, Any] = {
        "chain_id": 14,
        "nonce": 3,
        "to": ADDRESS,
        "value_wei": 5,
        "data": b"\x01\x02",
        "gas_limit": 50_000,
        "fees": Fees(max_fee_wei=30, tip_wei=2),
    }
    return UnsignedTransaction(**{**fields, **changes})


@settings(max_examples=60)
@given(
    key=st.integers(min_value=1, max_value=SECP256K1_ORDER - 1),
    chain_id=st.integers(min_value=1, max_value=2**40),
    nonce=st.integers(min_value=0, max_value=2**40),
    value=st.integers(min_value=0, max_value=2**96),
    data=st.binary(max_size=80),
    tip=st.integers(min_value=1, max_value=2**40),
)
def test_signed_bytes_equal_those_of_eth_account(
    key: int, chain_id: int, nonce: int, value: int, data: bytes, tip: int
) -> None:
    """Same bytes, same hash, for any transaction and key."""
    secret = key.to_bytes(32, "big")
    fees = Fees(max_fee_wei=2 * tip, tip_wei=tip)
    ours = LocalSigner(secret).sign_transaction(
        unsigned(chain_id=chain_id, nonce=nonce, value_wei=value, data=data, fees=fees)
    )
    theirs = Account.from_key(secret).sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": ADDRESS,
            "value": value,
            "data": data,
            "gas": 50_000,
            "maxFeePerGas": 2 * tip,
            "maxPriorityFeePerGas": tip,
        }
    )

    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == bytes(theirs.hash)


def test_a_known_key_has_its_known_address() -> None:
    """The vector of the Ethereum documentation."""
    assert LocalSigner(KEY).address == ADDRESS


@given(digest=st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_signatures_have_low_s_and_recover_to_the_signer(digest: bytes) -> None:
    """v is 27 or 28, s in the lower half (EIP-2), and the address comes back."""
    signature = LocalSigner(KEY).sign_digest(digest)

    assert signature.v in {27, 28}
    assert 0 < signature.s <= SECP256K1_ORDER // 2
    assert recovered_address(digest, signature) == ADDRESS
    assert len(signature.to_bytes()) == 65


def test_a_signature_in_the_upper_half_is_refused() -> None:
    """The same signature mirrored is valid to the curve and refused by the chain."""
    digest = unsigned().digest()
    v, r, s = LocalSigner(KEY).sign_digest(digest)
    mirrored = Signature(55 - v, r, SECP256K1_ORDER - s)

    assert recovered_address(digest, mirrored) == ADDRESS
    with pytest.raises(SignatureMismatch):
        verify_signature(digest, mirrored, ADDRESS)


def test_a_signature_of_another_signer_is_refused() -> None:
    """A signer that answers with somebody else's key is broken, whatever it claims."""
    digest = unsigned().digest()
    signature = LocalSigner(b"\x01" * 32).sign_digest(digest)

    with pytest.raises(SignatureMismatch):
        verify_signature(digest, signature, ADDRESS)


def test_an_unrecoverable_signature_is_refused() -> None:
    """r = 0 belongs to nobody."""
    with pytest.raises(SignatureMismatch):
        verify_signature(b"\x05" * 32, Signature(27, 0, 1), ADDRESS)


@pytest.mark.parametrize("change", [{"chain_id": 0}, {"nonce": -1}, {"value_wei": -1}, {"gas_limit": 20_999}])
def test_a_transaction_that_no_node_takes_cannot_be_made(change: dict[str, int]) -> None:
    """Refused where it is built, not at the node."""
    with pytest.raises(ValueError, match="no node would take"):
        unsigned(**change)


def test_addresses_are_checked_and_written_in_mixed_case() -> None:
    """The vectors of EIP-55; lower and upper case carry no checksum and are accepted."""
    for vector in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ):
        assert checksum(vector) == vector
        assert checksum(vector.lower()) == vector
        assert checksum("0x" + vector[2:].upper()) == vector
        assert address_bytes(vector).hex() == vector[2:].lower()


@pytest.mark.parametrize(
    "wrong",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed",  # one letter's case
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
        "0x" + "\u0661" * 40,  # digits to str.isdigit, not to us
        "",
    ],
)
def test_a_wrong_address_is_refused(wrong: str) -> None:
    """A typing error must not become a recipient."""
    with pytest.raises(AddressInvalid):
        checksum(wrong)


def test_a_compressed_public_key_has_no_address() -> None:
    """The address is a hash of the whole key."""
    with pytest.raises(ValueError, match="65 bytes"):
        address_of(b"\x02" * 33)
