"""The felts of an escrow on Starknet, checked against the published numbers."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.bridge.core.order import Deposit, OrderKey
from functions.bridge.core.starknet import (
    PRIME,
    SET_ORDER,
    FeltsMalformed,
    claim_payload,
    decode_deposit,
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
