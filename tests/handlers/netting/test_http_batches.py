"""http_batches: batches, settlements and proofs as anybody sees them, page by page."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from functions.netting.core import merkle, state_root
from functions.netting.core.batch import SettlementEvent
from kernel.auth import Role
from kernel.ids import new_id
from tests.handlers.netting.window import Window
from tests.integration.netting.floor import key

pytestmark = pytest.mark.handlers


@pytest.fixture
def window(database_url: str) -> Iterator[Window]:
    """A floor that has netted a chain of two, and a sale that nobody could pay."""
    with Window.open(database_url) as window:
        window.own("a", "sword", "shield")
        window.fund(b=100, c=150)
        window.intent("sword", "a", "b", 100)
        window.intent("sword", "b", "c", 150)
        window.intent("shield", "a", "x", 999)
        window.net()
        yield window


def octets(branch: dict[str, Any]) -> tuple[bytes, bytes, list[bytes]]:
    """Root, leaf and proof of a document."""
    return bytes.fromhex(branch["root"]), bytes.fromhex(branch["leaf"]), [bytes.fromhex(one) for one in branch["proof"]]


@pytest.mark.parametrize("prefix", ["/api", "/v1/netting"])
def test_a_batch_says_what_it_came_to(window: Window, prefix: str) -> None:
    """With the hashes by which it is checked, and where its metadata are."""
    [recent] = window.shown(f"{prefix}/batches/recent")["batches"]
    story = window.shown(f"{prefix}/batches/{recent['id']}")

    expected = {"state": "netted", "intents": 3, "accepted": 2, "transactions": 1, "transactions_saved": 1}
    assert expected == {name: story[name] for name in expected}
    assert ("250", "150", {"waiting": 1}) == (story["traded_lamports"], story["moved_lamports"], story["settlements"])
    pinned = window.kernel.pinning.read(f"netting:{recent['id']}:metadata")
    assert story["da_hash"] == hashlib.sha256(pinned.plain).hexdigest()
    assert story["metadata_cid"] == pinned.pin.cid


@pytest.mark.parametrize("prefix", ["/api", "/v1/netting"])
def test_an_items_owner_is_proven_by_both_trees(window: Window, prefix: str) -> None:
    """Whoever has the proof needs nothing else of ours."""
    batch = UUID(str(window.batch()["id"]))
    told = window.shown(f"{prefix}/proof/{batch}/sword")

    root, leaf, proof = octets(told["items"])
    assert leaf == merkle.leaf("sword", key("c"))
    assert merkle.verify(root, "sword", key("c"), proof)
    assert not merkle.verify(root, "sword", key("b"), proof)
    root, leaf, proof = octets(told["state"])
    assert leaf == state_root.ownership_leaf(batch, "sword", key("c"))
    assert state_root.verify(root, leaf, proof)
    assert root == bytes(window.batch()["state_root"])
    assert (key("c"), 0, "waiting", None) == (
        told["owner"],
        told["settlement"],
        told["settlement_state"],
        told["chain_batch"],
    )


def test_what_a_wallets_funds_moved_by_is_proven(window: Window) -> None:
    """B only earned the difference."""
    batch = UUID(str(window.batch()["id"]))
    told = window.shown(f"/v1/netting/proof/{batch}/wallets/{key('b')}")

    root, leaf, proof = octets(told["state"])
    assert ("50", state_root.cash_leaf(batch, key("b"), 50)) == (told["delta_lamports"], leaf)
    assert state_root.verify(root, leaf, proof)


def test_what_the_batch_did_not_touch_has_no_proof(window: Window) -> None:
    """Nor has a batch that is none."""
    batch = window.batch()["id"]
    answers = [
        window.get(f"/api/proof/{batch}/shield"),
        window.get(f"/v1/netting/proof/{batch}/wallets/{key('x')}"),
        window.get(f"/api/proof/{new_id()}/sword"),
        window.get(f"/api/batches/{new_id()}"),
        window.get("/api/settlement/7"),
    ]

    codes = [(status, body["error"]["code"]) for status, body in answers]
    assert [*[(404, "not_in_batch")] * 2, *[(404, "batch_unknown")] * 3] == codes


def test_settlements_by_their_batch_and_by_their_number(window: Window) -> None:
    """The number is known once it is sent."""
    batch = window.batch()["id"]
    before = window.shown(f"/api/settlement/{batch}")["settlements"]
    with window.deps.kernel.postgres.transaction() as tx:
        one = window.deps.batches.settlement(tx, batch, 0, lock=True)
        window.deps.batches.move(tx, one, SettlementEvent.SEND, chain_batch=41, attempt=1)
    [told] = window.shown("/v1/netting/settlement/41")["settlements"]

    assert [("waiting", None)] == [(one["state"], one["chain_batch"]) for one in before]
    assert ("sent", "41", [{"item_id": "sword", "owner": key("c")}]) == (
        told["state"],
        told["chain_batch"],
        told["items"],
    )
    assert {key("a"): "100", key("b"): "50", key("c"): "-150"} == {
        one["wallet"]: one["delta_lamports"] for one in told["deltas"]
    }


def test_pending_intents_come_in_priority_page_by_page(window: Window) -> None:
    """Each with the reason where it was tried."""
    later = [window.intent("shield", "a", "b", 1, ago_s=0) for _ in range(4)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = window.shown("/api/pending", **query)
        seen += [(one["id"], one["reason"]) for one in page["intents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [reason for _, reason in seen] == ["insufficient_funds", None, None, None, None]
    assert later == [one for one, _ in seen[1:]]


def test_batches_come_newest_first_page_by_page(window: Window) -> None:
    """None twice, none left out."""
    for _ in range(4):
        window.clock.advance(1)
        window.intent("shield", "nobody", "b", 1)
        window.net()
    seen, cursor = [], None
    while True:
        page = window.shown("/v1/netting/batches/recent", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in page["batches"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert 5 == len(set(seen)) == len(seen)
    assert all(newer > older for newer, older in pairwise(seen))


def test_statistics_say_what_was_saved(window: Window) -> None:
    """Two intents by one transaction, 250 lamports traded by moving 150."""
    told = window.shown("/api/statistics")

    expected = {
        "batches": 1,
        "intents": 2,
        "transactions": 1,
        "transactions_saved": 1,
        "moved_bps": 6_000,
        "pending": 1,
    }
    assert expected == {name: told[name] for name in expected}
    assert ("250", "150") == (told["traded_lamports"], told["moved_lamports"])


def test_only_administrators_tune(window: Window) -> None:
    """Operators see every limit with its bounds."""
    path, body = "/v1/netting/thresholds/netting.longest_wait_s", {"value": "30", "reason": "a quiet week"}
    refused = window.call("PUT", path, role=Role.OPERATOR, body=body)
    status, told = window.call("PUT", path, role=Role.ADMIN, body=body)
    shown = window.get("/v1/netting/thresholds", role=Role.OPERATOR)

    assert (403, 200, "30") == (refused[0], status, told["value"])
    assert "netting.longest_wait_s" in [one["name"] for one in shown[1]["thresholds"]]
    assert 30 == window.deps.sizes.longest_wait_s


@pytest.mark.parametrize(
    "path",
    [
        "/api/batches/1",
        "/api/settlement/0",
        "/api/settlement/'; select",
        "/api/pending?cursor=1.2",
        "/api/batches/recent?limit=201",
    ],
)
def test_what_is_malformed_is_refused(window: Window, path: str) -> None:
    """By name, before anything is looked up."""
    path, _, query = path.partition("?")
    name, _, value = query.partition("=")
    status, told = window.call("GET", path, query={name: value} if name else {})

    assert (400, "invalid_request") == (status, told["error"]["code"])
