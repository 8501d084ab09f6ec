"""GET /api/user: nonces, and what a wallet has."""

from collections.abc import Iterator

import pytest

from tests.handlers.netting.teller import OTHER, SOL, WALLET, Teller

pytestmark = pytest.mark.handlers


@pytest.fixture
def teller(database_url: str) -> Iterator[Teller]:
    teller = Teller(database_url)
    yield teller
    teller.close()


def test_a_nonce_has_128_bits_and_is_another_each_time(teller: Teller) -> None:
    """Under both paths, for five minutes."""
    told = [teller.get(path)[1] for path in ("/api/user/nonce", "/v1/netting/user/nonce")]

    assert 2 == len({one["nonce"] for one in told})
    assert [(32, 300)] * 2 == [(len(bytes.fromhex(one["nonce"])) * 2, one["expires_in_s"]) for one in told]


def test_a_balance_is_what_is_locked_less_what_is_spoken_for(teller: Teller) -> None:
    """Asked back by the wallet alone, and reserved by a withdrawal; never below nothing."""
    teller.fund(WALLET, 10 * SOL, 3 * SOL)
    _, before = teller.get(f"/api/user/{WALLET.address}/balance")
    _, offer = teller.ask("funds/withdraw", WALLET, amount_lamports=str(9 * SOL))
    teller.confirm(offer, WALLET)
    _, after = teller.get(f"/v1/netting/user/{WALLET.address}/balance")

    names = ("locked_lamports", "requested_lamports", "reserved_lamports", "available_lamports")
    assert ["10000000000", "3000000000", "0", "7000000000"] == [before[name] for name in names]
    assert ["10000000000", "3000000000", "9000000000", "0"] == [after[name] for name in names]


def test_a_wallet_that_was_never_seen_has_nothing(teller: Teller) -> None:
    """And what is no wallet has no balance."""
    _, told = teller.get(f"/api/user/{OTHER.address}/balance")

    assert ("0", None) == (told["available_lamports"], told["slot"])
    assert 400 == teller.get("/api/user/nobody/balance")[0]
