"""http_bridge: what anybody sees, what operators see, and what administrators do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.postgres import PostgresServer
from kernel.auth import Role
from kernel.treasury.switch import KillSwitch
from tests.handlers.bridge.office import FEE_WEI, OPERATOR, RECIPIENT, Office
from tests.integration.bridge.simulated_contracts import Mood
from tests.integration.bridge.stage import ETHER, person

pytestmark = pytest.mark.handlers
PUBLIC = ("/v1/bridge/orders", "/v1/bridge/orders/zksync/0")
OPERATORS = (
    "/v1/bridge/orders/zksync/0/trace",
    "/v1/bridge/inventory",
    "/v1/bridge/pnl",
    "/v1/bridge/rebalances",
    "/v1/bridge/thresholds",
)
ALIASES = ("/bridge/orders", "/bridge/orders/zksync/0", "/bridge/inventory", "/bridge/pnl")
RELEASE = "/v1/bridge/orders/zksync/0/release"
WHY = {"reason": "the recipient was repaired"}


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """A deployment, and nothing done yet."""
    with Office.open(database_url) as office:
        yield office


@pytest.fixture(scope="module")
def served(postgres_server: PostgresServer) -> Iterator[Office]:
    """One order, filled and repaid; only looked at."""
    url = postgres_server.create_migrated()
    with Office.open(url) as office:
        office.lock()
        office.live()
        yield office
    postgres_server.drop_database(url)


def order(office: Office, number: int = 0, **query: Any) -> dict[str, Any]:
    """An order as anybody sees it."""
    status, body = office.get(f"/v1/bridge/orders/zksync/{number}", role=None, **query)
    assert status == 200, body
    return body


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    """The status and the error's code."""
    return answer[0], answer[1]["error"]["code"]


@pytest.mark.parametrize("path", [*PUBLIC, *OPERATORS])
def test_anybody_follows_orders_and_only_operators_see_money(served: Office, path: str) -> None:
    """A viewer is whoever signs in with a wallet."""
    statuses = {role: served.get(path, role=role)[0] for role in (None, Role.VIEWER, Role.OPERATOR)}

    wanted = (200, 200, 200) if path in PUBLIC else (401, 403, 200)
    assert wanted == (statuses[None], statuses[Role.VIEWER], statuses[Role.OPERATOR])


@pytest.mark.parametrize("path", ALIASES)
def test_the_first_names_of_the_paths_answer_the_same(served: Office, path: str) -> None:
    """With and without the version."""
    assert served.get(path) == served.get(f"/v1{path}")


def test_an_order_is_told_with_its_whole_history(served: Office) -> None:
    """From the deposit to the repayment, each step with the state that it left."""
    found = order(served)

    steps = [(step["event"], step["left"], step["state"]) for step in found["history"]]
    assert [
        ("index", None, "pending"),
        ("accept", "pending", "processing"),
        ("transfer", "processing", "transferring"),
        ("pay", "transferring", "fulfilled"),
        ("claim", "fulfilled", "proving"),
        ("prove", "proving", "proved"),
        ("close", "proved", "completed"),
    ] == steps
    assert (person(RECIPIENT), str(ETHER // 100), str(FEE_WEI)) == (
        found["recipient"],
        found["amount_wei"],
        found["fee_wei"],
    )
    assert (1, [], False) == (found["generations"], found["failures"], found["lost"])


def test_an_id_of_78_digits_is_text(office: Office) -> None:
    """Ids go up to 2^256 - 1, which no JSON number and no bigint holds."""
    longest = 2**256 - 1
    with office.office.transaction() as tx:
        tx.execute(
            "insert into bridge.orders (origin, order_id, generation, recipient, amount_wei, fee_wei, block_number, "
            "block_hash, transaction_hash, seen_at, moved_at) values ('zksync', %(id)s, 1, %(id)s, 1, 1, 1, "
            "'\\x01', '\\x02', now(), now())",
            id=longest,
        )

    found = order(office, longest)

    assert (str(longest), f"0x{longest:064x}") == (found["order_id"], found["recipient"])


def test_orders_are_paged_the_newest_first_and_each_once(office: Office) -> None:
    """Also where several were seen at one moment."""
    for _ in range(3):
        office.stage.lock(RECIPIENT, ETHER // 100, FEE_WEI)
    office.lock()
    office.stage.l2.mine()
    office.minute()
    office.work()

    first = office.get("/v1/bridge/orders", limit=3)[1]
    rest = office.get("/v1/bridge/orders", limit=3, cursor=first["next_cursor"])[1]

    assert ["3", "2", "1", "0"] == [one["order_id"] for one in first["orders"] + rest["orders"]]
    assert rest["next_cursor"] is None


def test_orders_are_found_by_network_state_and_recipient(office: Office) -> None:
    """What no order has finds none."""
    office.lock(recipient=0xC1)
    office.lock(recipient=0xC2)
    office.stage.l2.mine()
    office.minute()
    office.work()

    def ids(**query: Any) -> list[str]:
        return [one["order_id"] for one in office.get("/v1/bridge/orders", **query)[1]["orders"]]

    assert ["1"] == ids(recipient=person(0xC2), network="zksync", state="transferring")
    assert [] == ids(state="pending") == ids(network="starknet") == ids(parked="true") == ids(recipient=OPERATOR)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/v1/bridge/orders/zksync/7", {}, (404, "order_unknown")),
        ("/v1/bridge/orders/zksync/0", {"generation": 2}, (404, "order_unknown")),
        ("/v1/bridge/orders/zksync/-1", {}, (400, "invalid_request")),
        ("/v1/bridge/orders/zksync/01", {}, (400, "invalid_request")),
        ("/v1/bridge/orders/ZKSYNC/0", {}, (400, "invalid_request")),
        ("/v1/bridge/orders", {"cursor": "99999999999999999.zksync.0.1"}, (200, "")),
        ("/v1/bridge/orders", {"cursor": "yesterday"}, (400, "invalid_request")),
        ("/v1/bridge/orders", {"limit": 201}, (400, "invalid_request")),
        ("/v1/bridge/quote", {"network": "zksnyc", "amount_wei": 1}, (404, "network_unknown")),
        ("/v1/bridge/quote", {"network": "zksync", "amount_wei": "0x1"}, (400, "invalid_request")),
        ("/v1/bridge/quote", {"network": "zksync"}, (400, "invalid_request")),
        ("/v1/bridge/pnl", {"since": "2026-11-20T12:00:00"}, (400, "invalid_request")),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    served: Office, path: str, query: dict[str, Any], expected: tuple[int, str]
) -> None:
    """With the house's words."""
    status, body = served.get(path, **query)

    assert expected == (status, body.get("error", {}).get("code", ""))


def test_a_quote_names_the_least_fee_that_is_filled(office: Office) -> None:
    """An order with just that fee is filled; with a wei less it waits."""
    quoted = office.get("/bridge/quote", role=None, network="zksync", amount_wei=ETHER // 100)[1]
    fee = int(quoted["fee_wei"])

    def outcome(fee_wei: int) -> tuple[str, str | None]:
        asked = {"amount_wei": ETHER // 100, "fee_wei": fee_wei}
        answer = office.call("GET", "/bridge/quote", role=None, query={"network": "zksync", **asked})[1]
        return answer["outcome"], answer["reason"]

    assert (("fill", None), ("defer", "fee_below_cost")) == (outcome(fee), outcome(fee - 1))
    assert (20_00, 2, 2.0) == (quoted["value_usd_cents"], quoted["confirmations"], quoted["wait_s"])
    assert int(quoted["cost"]["total_wei"]) < fee


def test_a_quote_says_what_would_never_be_filled(office: Office) -> None:
    """Before anybody locks money for it."""
    office.stage.have_mood(RECIPIENT, Mood.REFUSES)

    refusing = office.get("/bridge/quote", network="zksync", amount_wei=1, recipient=person(RECIPIENT))[1]
    large = office.get("/bridge/quote", network="zksync", amount_wei=2 * ETHER)[1]
    nothing = office.get("/bridge/quote", network="zksync", amount_wei=0)[1]

    assert ("drop", "recipient_refuses", None) == (refusing["outcome"], refusing["reason"], refusing["fee_wei"])
    assert ("drop", "amount_above_limit") == (large["outcome"], large["reason"])
    assert ("drop", "amount_is_zero") == (nothing["outcome"], nothing["reason"])


def test_a_quote_promises_nothing(office: Office) -> None:
    """It is no order."""
    office.get("/bridge/quote", network="zksync", amount_wei=ETHER // 100)

    assert [] == office.rows("select from bridge.orders")


def test_the_profit_is_that_of_the_ledger_and_of_both_chains(served: Office) -> None:
    """To the wei: what we have now, less what we began with."""
    total = served.get("/v1/bridge/pnl")[1]
    mine = served.get("/v1/bridge/orders/zksync/0/trace")[1]["profit"]

    assert str(served.stage.our_wei()) == total["profit_wei"] == mine["profit_wei"]
    assert str(FEE_WEI) == total["earned_wei"] == total["networks"][0]["earned_wei"]
    assert {name: total[name] for name in mine} == mine


def test_the_profit_of_a_span_is_what_the_books_moved_in_it(served: Office) -> None:
    """Two spans that meet are the whole: gas was paid before the repayment, and the fee earned with it."""
    repaid = order(served)["moved_at"]

    earlier = served.get("/v1/bridge/pnl", until=repaid)[1]
    later = served.get("/v1/bridge/pnl", since=repaid)[1]
    whole = served.get("/v1/bridge/pnl")[1]

    assert int(whole["profit_wei"]) == int(earlier["profit_wei"]) + int(later["profit_wei"])
    assert ("0", str(FEE_WEI)) == (earlier["earned_wei"], later["earned_wei"])
    assert ("0", whole["gas_wei"]) == (later["gas_wei"], earlier["gas_wei"])


def test_what_is_paid_and_not_repaid_is_owed_and_virtual(office: Office) -> None:
    """The balance there will be, once everybody has done what is owed."""
    office.lock()
    office.live("fulfilled")

    body = office.get("/v1/bridge/inventory")[1]

    [network] = body["networks"]
    assert (str(ETHER // 100), str(ETHER // 100 + FEE_WEI)) == (network["owed_wei"], network["virtual_wei"])
    assert ("0", "0") == (network["balance_wei"], body["promised_wei"])
    assert [("fulfilled", 1)] == [(one["state"], one["orders"]) for one in network["exposed"]]
    assert int(body["balance_wei"]) - int(body["floor_wei"]) == int(body["available_wei"])


def test_what_is_promised_is_no_longer_available(office: Office) -> None:
    """A decided order whose payment is not recorded is in no books."""
    office.lock()
    office.stage.l2.mine()
    office.minute()
    while not office.rows("select from bridge.orders where state = 'processing'"):
        office.deliver(office.due()[0])

    body = office.get("/v1/bridge/inventory")[1]

    assert str(ETHER // 100 + FEE_WEI) == body["promised_wei"]
    assert int(body["virtual_wei"]) == int(body["balance_wei"]) - int(body["promised_wei"])


def test_a_trace_tells_every_moment_of_an_order(served: Office) -> None:
    """Tasks, signatures, transactions and postings of all its keys, as one time-line."""
    found = served.get("/v1/bridge/orders/zksync/0/trace")[1]

    keys = {"bridge:zksync:0:decide", "bridge:zksync:0:fill", "bridge:zksync:0:close"}
    assert keys | {"treasury/bridge:zksync:0:fill"} <= {*found["keys"]}
    assert {"tasks", "outbox", "ledger"} <= {moment["room"] for moment in found["moments"]}
    times = [moment["at"] for moment in found["moments"]]
    assert sorted(times) == times
    assert ["fill", "claim"] == [one["purpose"] for one in found["transactions"]]
    assert "fill" == found["decision"]["outcome"]


def test_a_parked_order_is_released_by_an_administrator(office: Office) -> None:
    """It goes on at once with all its attempts, is paid once, and who let it go is on record."""
    office.lock()
    office.stage.l2.mine()
    office.minute()
    for task in office.due():
        office.deliver(task)
    office.parked()

    parked = office.get("/v1/bridge/orders", parked="true")[1]["orders"]
    status, body = office.call("POST", RELEASE, body=WHY)
    office.live()

    [act] = office.rows("select actor, subject, details from kernel.audit_log where action = 'bridge.release'")
    assert (["0"], 200, False) == ([one["order_id"] for one in parked], status, body["parked"])
    assert WHY == json.loads(act["details"])
    assert 1 == len(office.stage.payments(0))
    assert "release" in [step["event"] for step in order(office)["history"]]


def test_only_a_parked_order_is_released(served: Office) -> None:
    """And only by administrators."""
    assert (409, "order_not_parked") == code(served.call("POST", RELEASE, body=WHY))
    assert (404, "order_unknown") == code(served.call("POST", RELEASE.replace("/0/", "/9/"), body=WHY))
    assert (403, "forbidden") == code(served.call("POST", RELEASE, body=WHY, role=Role.OPERATOR))
    assert (400, "invalid_request") == code(served.call("POST", RELEASE, body={"reason": " "}))


def test_a_threshold_is_tuned_and_in_force(office: Office) -> None:
    """Who changed it stays on record; another slice's is out of reach."""
    path = "/v1/bridge/thresholds/bridge.order_max_gwei"
    tuned = office.call("PUT", path, body={"value": "1000000", "reason": "a quiet week"})
    office.clock.advance(60)

    quoted = office.get("/bridge/quote", network="zksync", amount_wei=ETHER // 100)[1]

    assert (200, "1000000") == (tuned[0], tuned[1]["value"])
    assert ("drop", "amount_above_limit") == (quoted["outcome"], quoted["reason"])
    acts = office.rows("select details from kernel.audit_log where subject = 'tunable:bridge.order_max_gwei'")
    assert ["a quiet week"] == [json.loads(act["details"])["reason"] for act in acts][-1:]


@pytest.mark.parametrize(
    ("name", "value", "role", "expected"),
    [
        ("bridge.order_max_gwei", "1", Role.OPERATOR, (403, "forbidden")),
        ("bridge.order_max_gwei", "-1", Role.ADMIN, (400, "out_of_bounds")),
        ("bridge.order_max_wei", "1", Role.ADMIN, (404, "not_found")),
        ("oracle.spread_bps_max", "1", Role.ADMIN, (400, "invalid_request")),
    ],
)
def test_a_threshold_is_not_tuned(office: Office, name: str, value: str, role: Role, expected: tuple[int, str]) -> None:
    """By who may not, beyond its bounds, or where there is none."""
    body = {"value": value, "reason": "a test"}

    assert expected == code(office.call("PUT", f"/v1/bridge/thresholds/{name}", body=body, role=role))


def test_the_database_keeps_the_bridge_from_tuning_others(office: Office) -> None:
    """Row security, under the slice's own role."""
    with pytest.raises(Exception, match="row-level security"), office.kernel.postgres.transaction() as tx:
        tx.execute(
            "insert into kernel.tunables (name, version, value, old_value, changed_by, changed_at, reason) "
            "values ('oracle.spread_bps_max', 1, 1, 1, 'a test', now(), 'a test')"
        )


def test_a_halted_bridge_still_answers(office: Office) -> None:
    """A halt stops what is owed, not who looks."""
    KillSwitch(office.office, office.clock).halt("bridge", "a test", "a test")

    assert [200, 200, 200] == [office.get(path)[0] for path in ("/v1/bridge/orders", *ALIASES[2:])]
