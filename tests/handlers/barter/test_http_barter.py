"""http_barter: exchanges as anybody sees them."""

from typing import Any

import pytest

from infra.local.barter.world import BarterWorld
from tests.handlers.barter.kiosk import RECEIVED, SETTLER, TRADE, Kiosk

pytestmark = pytest.mark.handlers
NOWHERE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    """The status and the error's code."""
    return answer[0], answer[1]["error"]["code"]


def watched(kiosk: Kiosk, world: BarterWorld) -> str:
    """The address of the one exchange that is watched from now on."""
    kiosk.ask("watchContract", world.exchange.address)
    return world.exchange.address


@pytest.mark.parametrize("path", ["/barter/contracts/{}", "/v1/barter/contracts/{}"])
def test_an_exchange_is_told_with_phase_watch_and_terms(kiosk: Kiosk, still_world: BarterWorld, path: str) -> None:
    """As it said at the block in which it was watched."""
    address = watched(kiosk, still_world)

    status, told = kiosk.get(path.format(address.lower()))

    assert (200, address, "deposit", "watching") == (status, told["address"], told["phase"], told["watch"]["state"])
    contract = told["contract"]
    assert (0, 256, 16, "0", None, None) == tuple(
        contract[name] for name in ("agents", "agents_max", "list_max", "deposit_fee_wei", "verifier", "trade_block")
    )
    assert still_world.operator.address == contract["operator"] != SETTLER
    assert still_world.node.block_number() == contract["block_number"]
    assert (None, [], [("watch", "watch", None)]) == (
        told["job"],
        told["calls"],
        [(step["subject"], step["event"], step["left"]) for step in told["history"]],
    )


def test_a_proof_is_told_with_its_allocation_and_timings(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """How long it waited, and how long the attempt took that succeeded."""
    address = watched(kiosk, still_world)
    job = kiosk.job(address)
    kiosk.clock.advance(2)
    job = kiosk.begin(job)
    kiosk.clock.advance(1.5)
    before = kiosk.get(f"/barter/contracts/{address}")[1]
    kiosk.complete(job)

    told = kiosk.get(f"/barter/contracts/{address}")[1]

    assert ("in_progress", None) == (before["job"]["state"], before["job"]["allocation"])
    assert ("completed", "direct", 6, 1, None, TRADE.block, RECEIVED) == tuple(
        told["job"][name] for name in ("state", "mode", "agents", "attempts", "error", "trade_block", "allocation")
    )
    assert {"waited_ms": 2_000, "proved_ms": 1_500, "posted_ms": None} == told["timings"]


def test_a_failed_attempt_is_told_with_its_reason_and_the_next_one(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """Errored is not the end."""
    address = watched(kiosk, still_world)
    kiosk.fail(kiosk.begin(kiosk.job(address)), "the prover died")

    job = kiosk.get(f"/barter/contracts/{address}")[1]["job"]

    assert ("errored", "the prover died") == (job["state"], job["error"])
    assert job["next_attempt_at"] is not None


def test_exchanges_are_paged_the_newest_first_and_each_once(kiosk: Kiosk) -> None:
    """Also where several were watched at one moment."""
    for number in range(5):
        with kiosk.kernel.postgres.transaction() as tx:
            kiosk.deps.watches.watch(tx, f"0x{number:040x}", by_operator=False)
        kiosk.clock.advance(number % 2)

    first = kiosk.get("/barter/contracts", limit=2)[1]
    second = kiosk.get("/v1/barter/contracts", limit=2, cursor=first["next_cursor"])[1]
    third = kiosk.get("/v1/barter/contracts", limit=2, cursor=second["next_cursor"])[1]

    pages = [first, second, third]
    assert [4, 3, 2, 1, 0] == [int(one["address"], 16) for page in pages for one in page["contracts"]]
    assert [None, None, None] == [one["phase"] for one in first["contracts"] + third["contracts"]]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (f"/barter/contracts/{NOWHERE}", {}, (404, "market_unknown")),
        ("/barter/contracts/0x12", {}, (400, "invalid_request")),
        (f"/barter/contracts/{NOWHERE.replace('5F', '5f')}", {}, (404, "market_unknown")),
        ("/barter/contracts", {"limit": 0}, (400, "invalid_request")),
        ("/barter/contracts", {"cursor": "1"}, (400, "invalid_request")),
        ("/barter/contracts", {"cursor": f"{10**17 - 1}9.{NOWHERE}"}, (400, "invalid_request")),
        ("/barter/contracts", {"cursor": f"{10**17 - 1}.{NOWHERE}"}, (200, "")),
    ],
)
def test_what_is_not_there_or_no_request_is_refused(
    idle: Kiosk, path: str, query: dict[str, Any], expected: tuple[int, str]
) -> None:
    """By the catalogue's codes; a cursor far in the future is a place like any other."""
    status, told = idle.get(path, **query)

    assert expected == (status, told.get("error", {}).get("code", ""))
