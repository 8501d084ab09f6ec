"""http_faucet: who may be granted test lamports, how often, and what the faucet keeps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.contests.adapters.effects import SUBMIT
from functions.contests.core.faucet import FaucetEmpty
from functions.contests.wiring import WALLETS_ROLE
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner
from kernel.solana.transactions import Instruction, system_transfer
from tests.handlers.contests.custody import FEE_PAYER, Balances, Custody

pytestmark = pytest.mark.handlers
SOL = 10**9
GRANT = SOL // 40
ALICE, BOB, CAROL = (LocalSolanaSigner(bytes([n]) * 32).address for n in (1, 2, 3))
ENTRIES = "select business_key, payer, signers, instructions, state from kernel.solana_outbox order by id"


@pytest.fixture
def scene(database_url: str) -> Iterator[tuple[Custody, Balances]]:
    """A faucet with a SOL."""
    with Custody.open(database_url) as (custody, balances):
        balances.lamports[custody.faucet] = SOL
        yield custody, balances


def code(answer: tuple[int, dict[str, object]]) -> tuple[int, str | None]:
    error = answer[1].get("error")
    return answer[0], error["code"] if isinstance(error, dict) else None


def test_an_address_gets_a_fortieth_of_a_sol(scene: tuple[Custody, Balances]) -> None:
    """The faucet's own transfer, its fee paid by the fee payer; the grant can be looked at."""
    custody, _ = scene
    status, grant = custody.ask(ALICE)
    seen = custody.http("GET", f"/v1/contests/faucet/{grant['id']}")

    assert (status, grant["amount_lamports"], grant["address"], grant["state"]) == (202, "25000000", ALICE, "recorded")
    assert seen == (200, grant)
    [entry] = custody.rows(ENTRIES)
    assert (entry["business_key"], entry["payer"], entry["signers"]) == (
        f"contests:faucet:grant:{grant['id']}",
        FEE_PAYER,
        [custody.faucet],
    )
    [transfer] = [Instruction.from_json(one) for one in entry["instructions"]]
    assert transfer == system_transfer(custody.faucet, ALICE, GRANT)
    assert len(custody.due(SUBMIT)) == 1


def test_the_same_request_is_the_same_grant(scene: tuple[Custody, Balances]) -> None:
    """Under the same key; another address under it is refused, and somebody else's key is another's."""
    custody, _ = scene
    first, again, other = custody.ask(ALICE), custody.ask(ALICE), custody.ask(BOB)
    somebody = custody.ask(BOB, person="solana:somebody")

    assert first == again
    assert code(other) == (409, "faucet_request_changed")
    assert somebody[0] == 202
    assert len(custody.rows(ENTRIES)) == 2


def test_an_address_is_granted_once_in_a_quarter_of_an_hour(scene: tuple[Custody, Balances]) -> None:
    """Whoever asks, and under whatever key; the wait is told."""
    custody, _ = scene
    custody.ask(ALICE, "k-1")
    custody.clock.advance(600)
    early = custody.ask(ALICE, "k-2", person="solana:somebody")
    custody.clock.advance(299)
    still = custody.ask(ALICE, "k-3")
    custody.clock.advance(1)
    late = custody.ask(ALICE, "k-4")

    assert code(early) == code(still) == (429, "faucet_asked_again")
    assert early[1]["error"]["details"] == {"wait_s": 300}
    assert still[1]["error"]["details"] == {"wait_s": 1}
    assert late[0] == 202


def test_the_reserve_stays(database_url: str) -> None:
    """Grants on their way count as gone: of 0.1 SOL two are given."""
    with Custody.open(database_url) as (custody, balances):
        balances.lamports[custody.faucet] = SOL // 10
        answers = [code(custody.ask(one, f"k-{one}")) for one in (ALICE, BOB, CAROL)]

        assert answers == [(202, None), (202, None), (503, "faucet_empty")]
        custody.change(
            "update kernel.solana_outbox set state = 'cancelled', reason = 'late', settled_at = '2020-01-01'"
        )
        assert custody.ask(CAROL, "k-again")[0] == 202


def test_an_address_that_was_refused_may_ask_again(database_url: str) -> None:
    """What was not granted does not begin the pause."""
    with Custody.open(database_url) as (custody, balances):
        refused = custody.ask(ALICE, "k-1")
        balances.lamports[custody.faucet] = SOL

        assert code(refused) == (503, "faucet_empty")
        assert custody.ask(ALICE, "k-1")[0] == 202


def test_who_asks_at_once_is_served_one_by_one(database_url: str) -> None:
    """Eight requests from as many containers, lamports for two."""
    with Custody.open(database_url) as (custody, balances):
        balances.lamports[custody.faucet] = SOL // 10
        addresses = [base58.encode(bytes([n]) * 32) for n in range(10, 18)]
        crowd = [custody.container(WALLETS_ROLE) for _ in addresses]
        seen = crowd[0].faucet.look()

        def ask(one: int) -> str:
            try:
                return crowd[one].faucet.grant(f"k-{one}", addresses[one], seen).state
            except FaucetEmpty:
                return "refused"

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(ask, range(8)))
        for deps in crowd:
            deps.close()

        assert sorted(told) == ["recorded"] * 2 + ["refused"] * 6
        assert len(custody.rows(ENTRIES)) == 2


def test_mainnet_has_no_faucet(database_url: str) -> None:
    """Even where one is set up and filled; neither has a deployment that names none."""
    for changes in ({"cluster": "mainnet"}, {"faucet": None}):
        with Custody.open(database_url, **changes) as (custody, balances):
            balances.lamports[custody.faucet] = SOL

            assert code(custody.ask(ALICE)) == (403, "faucet_refused")
            assert custody.rows(ENTRIES) == []


def test_what_is_no_request_is_refused(scene: tuple[Custody, Balances]) -> None:
    """No session, no key, no address; nothing is recorded."""
    custody, _ = scene
    path = "/v1/contests/faucet"
    answers = [
        custody.ask(ALICE, person=None),
        custody.http("POST", path, {"address": ALICE}, person="solana:asker"),
        custody.ask("0OIl" * 9),
        custody.ask(base58.encode(bytes([1]) * 31)),
        custody.http("GET", f"{path}/00000000-0000-7000-8000-000000000000"),
    ]

    assert [code(answer)[0] for answer in answers] == [401, 400, 400, 422, 404]
    assert custody.rows(ENTRIES) == []
