"""The felts of an escrow on Starknet, checked against the published numbers."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.order import Deposit, OrderKey
from functions.bridge.core.starknet import (
    CLAIM_PAYMENT,
    PRIME,
    SET_ORDER,
    FeltsMalformed,
    Repaid,
    claim_payload,
    decode_closed,
    decode_deposit,
    felt,
    halves,
    is_pending,
    joined,
    pending_calldata,
)
from tests.repo.house import ROOT

pytestmark = pytest.mark.unit

FACT = json.loads((ROOT / "tests/fixtures/bridge/registry.json").read_text())["u256_halves"]
FELTS = (5, 1, 0x70997970C51812DC3A010C7D01B50E0D17DC79C8, 10**18, 0, 25_000_000_000_000, 0)


def test_the_published_key_of_the_event() -> None:
    """As the escrow's events carry it."""
    assert 0x2C75A60B5BDAD73EBBF539CC807FCCD09875C3CBF3F44041F852CDB96D8ACD3 == SET_ORDER


def test_the_published_halves_of_a_number() -> None:
    """Low first."""
    assert tuple(FACT["low_high"]) == halves(int(FACT["value"]))


def deposit(keys: Sequence[int], felts: Sequence[int]) -> Deposit:
    """The order of an event at some place."""
    return decode_deposit("starknet", keys, felts, block_number=9, block_hash=b"\1" * 32, transaction_hash=b"\2" * 32)


@given(st.integers(0, 2**256 - 1))
def test_halves_join_to_what_they_were(number: int) -> None:
    """Any u256."""
    assert number == joined(*halves(number))


def test_a_number_past_its_halves_is_refused() -> None:
    """Neither cut off nor wrapped."""
    with pytest.raises(OverflowError):
        halves(2**256)
    with pytest.raises(FeltsMalformed):
        joined(2**128, 0)


def test_a_deposit_is_read_from_its_event() -> None:
    """An id past 64 bits, too."""
    found = deposit([SET_ORDER], FELTS)

    assert OrderKey("starknet", int(FACT["value"])) == found.key
    assert (FELTS[2], 10**18, 25_000_000_000_000) == (found.recipient, found.amount_wei, found.fee_wei)


@pytest.mark.parametrize(
    ("keys", "felts"),
    [
        ([SET_ORDER + 1], FELTS),
        ([SET_ORDER, 0], FELTS),
        ([], FELTS),
        ([SET_ORDER], FELTS[:-1]),
        ([SET_ORDER], (*FELTS, 0)),
        ([SET_ORDER], (2**128, *FELTS[1:])),
        ([SET_ORDER], (*FELTS[:2], PRIME, *FELTS[3:])),
    ],
)
def test_an_event_of_something_else_is_refused(keys: list[int], felts: tuple[int, ...]) -> None:
    """Another key, another number of felts, halves and felts that are too wide."""
    with pytest.raises(FeltsMalformed):
        deposit(keys, felts)


def test_what_the_escrow_is_told_and_asked() -> None:
    """Both halves of each u256."""
    assert (5, 1, 7, 3, 0) == claim_payload(2**128 + 5, 7, 3)
    assert (5, 1) == pending_calldata(2**128 + 5)
    assert (True, False) == (is_pending([1]), is_pending([0]))
    with pytest.raises(FeltsMalformed):
        is_pending([2])


def test_a_repayment_is_read_from_its_event() -> None:
    """An id past 128 bits, and the amount without the fee."""
    assert Repaid(order_id=2**128 + 5, account=7, amount_wei=3) == decode_closed([CLAIM_PAYMENT], (5, 1, 7, 3, 0))


@pytest.mark.parametrize(
    ("keys", "felts"),
    [
        ([SET_ORDER], (5, 1, 7, 3, 0)),
        ([CLAIM_PAYMENT, 0], (5, 1, 7, 3, 0)),
        ([CLAIM_PAYMENT], (5, 1, 7, 3)),
        ([CLAIM_PAYMENT], (5, 1, 7, 3, 0, 0)),
        ([CLAIM_PAYMENT], (5, 2**128, 7, 3, 0)),
        ([CLAIM_PAYMENT], (5, 1, PRIME, 3, 0)),
    ],
)
def test_an_event_that_is_no_repayment_is_refused(keys: list[int], felts: tuple[int, ...]) -> None:
    """It would close an order that nobody repaid."""
    with pytest.raises(FeltsMalformed):
        decode_closed(keys, felts)


def test_a_felt_is_read_from_text() -> None:
    """Up to the last number of the field, with zeros in front or without."""
    assert (0, 0xAB, PRIME - 1) == (felt("0x0"), felt("0x00aB"), felt(hex(PRIME - 1)))


@pytest.mark.parametrize("text", [hex(PRIME), "0x", "", "7", "-0x1", "0x-1", "0xg", "0x1 ", "0x" + "0" * 65, "0x1_0"])
def test_what_is_no_felt_is_refused(text: str) -> None:
    """Past the field, and text that Python alone would take."""
    with pytest.raises(FeltsMalformed):
        felt(text)
