"""Deposits and withdrawals over HTTP: offered, handed back, owed; and the forms that nobody gets past."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.outbox.solana import State
from tests.handlers.netting.teller import AUTHORITY, OTHER, SOL, WALLET, Teller, sign

pytestmark = pytest.mark.handlers


@pytest.fixture
def teller(database_url: str) -> Iterator[Teller]:
    teller = Teller(database_url)
    teller.fund(WALLET, 10 * SOL)
    teller.item("sword", WALLET)
    teller.item("shield", None)
    yield teller
    teller.close()


def offered(teller: Teller, what: str, wallet: Any = WALLET, **body: Any) -> dict[str, Any]:
    status, answer = teller.ask(what, wallet, **body)
    assert status == 200, answer
    return answer


def test_every_wish_is_offered_with_who_must_sign_it(teller: Teller) -> None:
    """The wallet pays and signs first; the authority's place is empty where it has one."""
    offers = [
        offered(teller, "funds/deposit", amount_lamports="5"),
        offered(teller, "funds/withdraw", amount_lamports="5"),
        offered(teller, "items/deposit", item_id="shield"),
        offered(teller, "items/withdraw", item_id="sword"),
    ]
    raws = [base64.b64decode(one["transaction"]) for one in offers]

    assert ["deposit_funds", "withdraw_funds", "deposit_item", "withdraw_item"] == [one["kind"] for one in offers]
    assert [1, 2, 2, 2] == [raw[0] for raw in raws]
    assert all(raw[1 : 1 + 64 * raw[0]] == bytes(64 * raw[0]) for raw in raws)
    assert ["5", "5", None, None] == [one["amount_lamports"] for one in offers]


def test_what_is_handed_back_is_owed_once(teller: Teller) -> None:
    """With the wallet's signature; the authority's is for the submit task to give."""
    offer = offered(teller, "funds/withdraw", amount_lamports=str(SOL))
    answers = [teller.confirm(offer, WALLET) for _ in range(2)]
    [entry] = teller.rows("select business_key, payer, signers, given_signatures from kernel.solana_outbox")

    assert [(202, "sent")] * 2 == [(status, answer["state"]) for status, answer in answers]
    assert (f"netting:wallet:{offer['id']}", WALLET.address, [AUTHORITY.address]) == (
        entry["business_key"],
        entry["payer"],
        entry["signers"],
    )
    assert [WALLET.address] == list(entry["given_signatures"])
    assert [WALLET.address] == teller.reserved()


@pytest.mark.parametrize(
    ("end", "told", "kept"),
    [(State.CONFIRMED, "settled", 1), (State.FAILED, "failed", 0), (State.CANCELLED, "expired", 1)],
)
def test_a_reservation_stands_until_it_is_known_what_became_of_it(
    teller: Teller, end: State, told: str, kept: int
) -> None:
    """Refused, it is over; settled or lost, the chain is read first."""
    offer = offered(teller, "items/withdraw", item_id="sword")
    teller.confirm(offer, WALLET)
    teller.end(f"netting:wallet:{offer['id']}", end, {"InstructionError": [1, {"Custom": 6008}]})

    assert told == teller.get(f"/v1/netting/custody/{offer['id']}")[1]["state"]
    assert ["sword"] * kept == teller.reserved()


@pytest.mark.parametrize(
    ("what", "body", "code"),
    [
        ("funds/withdraw", {"amount_lamports": str(10 * SOL + 1)}, "funds_missing"),
        ("items/withdraw", {"item_id": "shield"}, "item_not_held"),
        ("items/deposit", {"item_id": "sword"}, "item_in_escrow"),
        ("items/deposit", {"item_id": "nothing"}, "unknown_item"),
        ("items/withdraw", {"item_id": "nothing"}, "unknown_item"),
    ],
)
def test_what_cannot_be_is_not_offered(teller: Teller, what: str, body: dict[str, Any], code: str) -> None:
    """Before a wallet is asked to sign."""
    assert code == teller.ask(what, WALLET, **body)[1]["error"]["code"]
    assert [] == teller.rows("select from netting.wallet_transactions")


def test_what_a_simulation_refuses_is_not_offered(teller: Teller) -> None:
    """The program's own name of the error is told."""
    teller.cluster.refuses = {"InstructionError": [1, {"Custom": 6015}]}
    status, answer = teller.ask("funds/deposit", WALLET, amount_lamports="5")

    assert (422, "transaction_would_fail", "already_there") == (
        status,
        answer["error"]["code"],
        answer["error"]["details"]["reason"],
    )


def test_a_wallet_of_33_bytes_is_refused_before_anything_is_derived_from_it(teller: Teller) -> None:
    """It has as many letters as an address, and no program has an account for it."""
    body = {"wallet": "z" * 44, "amount_lamports": "5"}
    status, answer = teller.post("/v1/netting/custody/funds/withdraw", body, key="ask-33")

    assert (422, "solana_address_invalid") == (status, answer["error"]["code"])


def test_money_is_asked_for_under_a_key(teller: Teller) -> None:
    """Without one nothing is offered; under the same one the same is."""
    body = {"wallet": WALLET.address, "amount_lamports": "5"}
    first = teller.ask("funds/deposit", WALLET, key="k", amount_lamports="5")
    again = teller.ask("funds/deposit", WALLET, key="k", amount_lamports="5")

    assert 400 == teller.post("/v1/netting/custody/funds/deposit", body)[0]
    assert first == again
    assert "request_changed" == teller.ask("funds/deposit", WALLET, key="k", amount_lamports="6")[1]["error"]["code"]
    assert "request_changed" == teller.ask("funds/withdraw", WALLET, key="k", amount_lamports="5")[1]["error"]["code"]
    assert 200 == teller.ask("funds/deposit", OTHER, key="k", amount_lamports="6")[0]


@pytest.mark.parametrize("amount", ["0", "-1", "01", "1.0", "1e3", str(2**63), 5, None, ""])
def test_an_amount_is_a_positive_whole_number_as_text(teller: Teller, amount: Any) -> None:
    """As the program can hold it."""
    assert 400 == teller.ask("funds/deposit", WALLET, amount_lamports=amount)[0]


@pytest.mark.parametrize("text", ["", "!", "AA=", "AAA", " AAAA", "A" * 1_701, base64.b64encode(bytes(1_233)).decode()])
def test_a_transaction_is_base64_of_a_packet(teller: Teller, text: str) -> None:
    """Written in the one way there is."""
    offer = offered(teller, "funds/deposit", amount_lamports="5")
    status, _ = teller.post(f"/v1/netting/custody/{offer['id']}/confirm", {"transaction": text})

    assert status in (400, 422)
    assert "offered" == teller.get(f"/v1/netting/custody/{offer['id']}")[1]["state"]


def test_an_offer_is_handed_back_under_its_own_id(teller: Teller) -> None:
    """Not under another's, nor under none."""
    one, other = (offered(teller, "funds/deposit", amount_lamports=amount) for amount in ("5", "6"))
    path = "/v1/netting/custody/{}/confirm"

    assert 422 == teller.post(path.format(one["id"]), {"transaction": sign(other, WALLET)})[0]
    assert (
        404 == teller.post(path.format("0" * 8 + "-0000-0000-0000-" + "0" * 12), {"transaction": sign(one, WALLET)})[0]
    )


def test_an_offer_ends_after_ninety_seconds_and_is_forgotten_after_an_hour(teller: Teller) -> None:
    """Unsigned, it was never more than words."""
    offer = offered(teller, "funds/deposit", amount_lamports="5")
    teller.clock.advance(91)
    late = teller.confirm(offer, WALLET)
    shown = teller.get(f"/v1/netting/custody/{offer['id']}")[1]["state"]
    teller.clock.advance(3_600)
    offered(teller, "funds/deposit", amount_lamports="5")

    assert (409, "offer_expired", "expired") == (late[0], late[1]["error"]["code"], shown)
    assert 404 == teller.get(f"/v1/netting/custody/{offer['id']}")[0]


def test_a_wallets_transactions_come_in_pages_newest_first(teller: Teller) -> None:
    """Nobody else's among them."""
    for amount in ("1", "2", "3"):
        offered(teller, "funds/deposit", amount_lamports=amount)
        teller.clock.advance(1)
    offered(teller, "funds/deposit", OTHER, amount_lamports="9")
    path = f"/v1/netting/custody?wallet={WALLET.address}&limit=2"
    _, first = teller.get(path)
    _, second = teller.get(f"{path}&cursor={first['next_cursor']}")

    assert ["3", "2"] == [one["amount_lamports"] for one in first["transactions"]]
    assert (["1"], None) == ([one["amount_lamports"] for one in second["transactions"]], second["next_cursor"])


def test_without_redis_nothing_is_offered(teller: Teller) -> None:
    """Who cannot be counted cannot write; reading goes on."""
    teller.faked.counter.down = True
    status, answer = teller.ask("funds/deposit", WALLET, amount_lamports="5")

    assert (503, "rate_limit_unavailable") == (status, answer["error"]["code"])
    assert 200 == teller.get(f"/v1/netting/custody?wallet={WALLET.address}")[0]
