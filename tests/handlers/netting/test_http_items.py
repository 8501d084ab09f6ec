"""http_items: administrators register items; anybody sees owners and histories, operators what the books miss."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.netting import http_items
from infra.local.runner.events import HttpCall, http_event
from kernel import base58
from kernel.auth import Role, Tier
from tests.handlers.netting.stage import BUYER, SELLER, Stage
from tests.handlers.netting.stall import ADDRESS, SITE, Context

pytestmark = pytest.mark.handlers
ANOTHER_MINT = base58.encode(b"\x12" * 32)
NEW = {"item_id": "item-9", "mint": base58.encode(b"\x11" * 32), "creator": SELLER, "royalty_bps": 250}


class Desk:
    """The API of a deployment, with a key for each role."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keys = {
            role: stage.kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key
            for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
        }

    def call(
        self, method: str, path: str, body: Any = None, *, role: Role | None = None, **query: Any
    ) -> tuple[int, Any]:
        """Status and body of an answer."""
        headers = [("content-type", "application/json"), ("host", SITE.domain)]
        if role is not None:
            headers.append(("x-api-key", self.keys[role]))
        asked = HttpCall(
            method=method,
            path=path,
            query=urlencode(query),
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
            source_ip=ADDRESS,
            request_id="f7ba6f6a12b795f=",
            at=self.stage.clock.now(),
        )
        event = http_event(SITE, asked, f"{method} {path}", {})
        answer = http_items.handler.bind(self.stage.deps)(event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def get(self, path: str, **query: Any) -> Any:
        """An answer that is one."""
        status, body = self.call("GET", path, **query)
        assert status == 200, body
        return body


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """One item is registered; nobody owns it."""
    with Stage.open(database_url) as stage:
        yield Desk(stage)


def test_an_item_is_registered_once_with_a_number(desk: Desk) -> None:
    """The same again finds itself; it is in the record of privileged acts once."""
    first = desk.call("POST", "/v1/netting/items", NEW, role=Role.ADMIN)
    again = desk.call("POST", "/v1/netting/items", NEW, role=Role.ADMIN)
    shown = desk.get("/v1/netting/items/item-9")

    assert (200, 200) == (first[0], again[0])
    assert first[1] == again[1] == shown
    assert int(shown["item_number"]) > 1
    assert (None, "item-9", 250) == (shown["owner"], shown["item_id"], shown["royalty_bps"])
    assert 1 == len(desk.stage.rows("select from kernel.audit_log where action = 'netting.register_item'"))


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"mint": ANOTHER_MINT}, 409, "item_taken", id="another mint"),
        pytest.param({"royalty_bps": 1}, 409, "item_taken", id="another royalty"),
        pytest.param({"item_id": "item-10"}, 409, "item_taken", id="a mint that is another item's"),
        pytest.param({"creator": None}, 422, "creator_missing", id="a royalty to nobody"),
        pytest.param({"mint": "1" * 40}, 422, "solana_address_invalid", id="a mint that is no address"),
        pytest.param({"royalty_bps": 10_001}, 400, "invalid_request", id="more than all"),
        pytest.param({"mint": "0" * 32}, 400, "invalid_request", id="no mint"),
        pytest.param({"item_id": "a b"}, 400, "invalid_request", id="a blank in its name"),
    ],
)
def test_an_item_that_does_not_fit_is_refused(desk: Desk, changes: dict[str, Any], status: int, code: str) -> None:
    """By what is registered already, or by its form."""
    desk.call("POST", "/v1/netting/items", NEW, role=Role.ADMIN)
    told = desk.call("POST", "/v1/netting/items", NEW | changes, role=Role.ADMIN)

    assert (status, code) == (told[0], told[1]["error"]["code"])


def test_who_may_do_what(desk: Desk) -> None:
    """Registering is for administrators, differences are for operators."""
    posts = [desk.call("POST", "/v1/netting/items", NEW, role=role)[0] for role in (None, Role.OPERATOR, Role.ADMIN)]
    looks = [desk.call("GET", "/v1/netting/differences", role=role)[0] for role in (None, Role.VIEWER, Role.OPERATOR)]

    assert ([401, 403, 200], [401, 403, 200]) == (posts, looks)


def test_a_wallets_items_come_page_by_page(desk: Desk) -> None:
    """By id, under both paths; what somebody else owns, or nobody, is left out."""
    for number in range(2, 6):
        desk.stage.item(f"item-{number}", str(number) * 32)
    with desk.stage.office.transaction() as tx:
        tx.execute("update netting.item_ownership set owner = %(o)s where item_id > 'item-2'", o=SELLER)
        tx.execute("update netting.item_ownership set owner = %(o)s where item_id = 'item-2'", o=BUYER)
    first = desk.get(f"/v1/netting/items/by-owner/{SELLER}", limit=2)
    second = desk.get(f"/api/items/by-owner/{SELLER}", limit=2, cursor=first["next_cursor"])

    assert ["item-3", "item-4"] == [one["item_id"] for one in first["items"]]
    assert (["item-5"], None) == ([one["item_id"] for one in second["items"]], second["next_cursor"])


def test_an_items_history_comes_page_by_page(desk: Desk) -> None:
    """Newest first, under both paths."""
    with desk.stage.office.transaction() as tx:
        for number, (event, to) in enumerate((("deposited", SELLER), ("settled", BUYER), ("withdrawn", None))):
            tx.execute(
                "insert into netting.item_history (item_id, event, to_wallet, slot, signature, happened_at,"
                " chain_batch) values ('item-1', %(event)s, %(to)s, %(n)s, %(s)s, %(now)s, %(n)s)",
                event=event,
                to=to,
                n=number,
                s=f"signature-{number}",
                now=desk.stage.clock.now(),
            )
    first = desk.get("/api/items/item-1/history", limit=2)
    second = desk.get("/v1/netting/items/item-1/history", limit=2, cursor=first["next_cursor"])

    assert ["withdrawn", "settled"] == [one["event"] for one in first["history"]]
    assert [("deposited", SELLER, "0")] == [
        (one["event"], one["to_wallet"], one["chain_batch"]) for one in second["history"]
    ]
    assert second["next_cursor"] is None


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    """An item nobody registered; an owner that is no wallet."""
    item = desk.call("GET", "/v1/netting/items/nothing")
    history = desk.call("GET", "/api/items/nothing/history")
    owner = desk.call("GET", "/api/items/by-owner/nobody")

    assert [(404, "unknown_item")] * 2 == [(status, body["error"]["code"]) for status, body in (item, history)]
    assert 400 == owner[0]


def test_differences_are_shown_newest_first(desk: Desk) -> None:
    """As they are kept."""
    with desk.stage.office.transaction() as tx:
        for subject, chain in ((SELLER, 7), ("outside", 8)):
            tx.execute(
                "insert into netting.differences (subject, booked_lamports, chain_lamports, slot, seen_at)"
                " values (%(subject)s, 5, %(chain)s, 3, %(now)s)",
                subject=subject,
                chain=chain,
                now=desk.stage.clock.now(),
            )
    status, first = desk.call("GET", "/v1/netting/differences", role=Role.OPERATOR, limit=1)
    _, second = desk.call("GET", "/v1/netting/differences", role=Role.OPERATOR, limit=1, cursor=first["next_cursor"])

    assert 200 == status
    assert [("outside", "5", "8")] == [
        (one["subject"], one["booked_lamports"], one["chain_lamports"]) for one in first["differences"]
    ]
    assert [SELLER] == [one["subject"] for one in second["differences"]]
