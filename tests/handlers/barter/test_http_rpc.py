"""http_rpc: the five methods with exactly the shapes that clients of the monitor know, over JSON-RPC 2.0."""

from typing import Any

import pytest

from functions.barter.core.json_rpc import BATCH_MAX
from functions.barter.core.watch import STRANGERS_MAX
from infra.local.barter.world import BarterWorld
from kernel.auth import Role, Tier
from tests.handlers.barter.kiosk import JOURNAL, SEAL, Kiosk

pytestmark = pytest.mark.handlers
NOWHERE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ZERO = "bytes32(0x" + "00" * 32 + ")"


def call(method: str, params: Any = None, id_: Any = 1) -> dict[str, Any]:
    """A call as clients write it."""
    return {"jsonrpc": "2.0", "method": method, "params": params or [], "id": id_}


def code(answer: Any) -> tuple[int, Any]:
    """The error's number, and whom it answers."""
    return answer["error"]["code"], answer["id"]


def key_of(kiosk: Kiosk, role: Role | None) -> str | None:
    """A key of this role, of the tier that everybody has; None for none."""
    if role is None:
        return None
    return kiosk.kernel.api_keys.issue(tier=Tier.PUBLIC, role=role, label="a test", actor="a test").key


def test_a_contract_is_watched_once_however_often_it_is_asked_for(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """The original's second watch failed; a watch is a row, with its first look as a task."""
    address = still_world.exchange.address

    answers = [kiosk.ask("watchContract", spelled) for spelled in (address, address.lower(), address)]

    with kiosk.kernel.postgres.transaction() as tx:
        watched = tx.all("select address, state, looks from barter.watches")
        tasks = tx.all("select kind from kernel.tasks")
    assert [None] * 3 == answers
    assert [{"address": address, "state": "watching", "looks": 1}] == [dict(row) for row in watched]
    assert [{"kind": "barter.advance_phase"}] == [dict(row) for row in tasks]


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_only_what_an_operator_asks_for_is_ours(kiosk: Kiosk, still_world: BarterWorld, role: Role | None) -> None:
    """Whatever the tier; without a credential anybody asks."""
    asked = call("watchContract", [still_world.exchange.address])

    status, answer = kiosk.say(asked, key=key_of(kiosk, role))

    is_ours = kiosk.get(f"/barter/contracts/{still_world.exchange.address}")[1]["watch"]["is_ours"]
    assert (200, None) == (status, answer["result"])
    assert is_ours is (role in (Role.OPERATOR, Role.ADMIN))


def test_two_hundred_strangers_do_not_keep_an_operator_out(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """The next stranger is refused, and the operator is not; what an operator takes over is a place that is free."""
    with kiosk.kernel.postgres.transaction() as tx:
        for number in range(STRANGERS_MAX):
            kiosk.deps.watches.watch(tx, f"0x{number:040x}", by_operator=False)
    asked = call("watchContract", [still_world.exchange.address])
    answers = [kiosk.say(asked, key=key_of(kiosk, role))[1] for role in (None, Role.VIEWER, Role.OPERATOR)]
    with kiosk.kernel.postgres.transaction() as tx:
        kiosk.deps.watches.watch(tx, f"0x{0:040x}", by_operator=True)
        freed = kiosk.deps.watches.watch(tx, f"0x{STRANGERS_MAX:040x}", by_operator=False)

    assert ["too_many_watches"] * 2 == [answer["error"]["data"]["code"] for answer in answers[:2]]
    assert answers[2]["result"] is None
    assert not freed.is_ours


def test_watching_what_is_no_exchange_is_refused_by_name(idle: Kiosk) -> None:
    """-32001 with the code of the catalogue, and nothing is watched."""
    refused = idle.refused("watchContract", NOWHERE)

    assert (-32001, "There is no exchange at this address.") == (refused["code"], refused["message"])
    assert ("not_an_exchange", {"address": NOWHERE}) == (refused["data"]["code"], refused["data"]["details"])
    assert [] == idle.get("/barter/contracts")[1]["contracts"]


def test_a_proof_is_told_byte_by_byte(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """{journal: [u8...], seal: [u8...]} and nothing else."""
    address = still_world.exchange.address
    kiosk.ask("watchContract", address)
    kiosk.complete(kiosk.begin(kiosk.job(address)))

    proof = kiosk.ask("getProof", address.lower())

    assert {"journal": list(JOURNAL), "seal": list(SEAL)} == proof
    assert "Completed" == kiosk.ask("getProofStatus", address)


def test_the_status_of_a_proof_goes_through_its_four_words(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """Created, InProgress (which the original never wrote), Errored with its reason, Completed."""
    address = still_world.exchange.address
    kiosk.ask("watchContract", address)
    told = []
    job = kiosk.job(address)
    told.append(kiosk.ask("getProofStatus", address))
    job = kiosk.begin(job)
    told.append(kiosk.ask("getProofStatus", address))
    job = kiosk.fail(job, "the prover's machine is away")
    told.append(kiosk.ask("getProofStatus", address))
    job = kiosk.complete(kiosk.begin(job))
    told.append(kiosk.ask("getProofStatus", address))

    assert ["Created", "InProgress", {"Errored": "the prover's machine is away"}, "Completed"] == told


@pytest.mark.parametrize("method", ["getProof", "getProofStatus"])
def test_a_proof_that_nobody_owes_is_a_refusal(kiosk: Kiosk, still_world: BarterWorld, method: str) -> None:
    """Of an exchange that nobody watches, and of one that is not in Trade yet."""
    address = still_world.exchange.address
    unknown = kiosk.refused(method, address)
    kiosk.ask("watchContract", address)
    early = kiosk.refused(method, address)

    assert [(-32001, "market_unknown"), (-32001, "proof_not_owed")] == [
        (one["code"], one["data"]["code"]) for one in (unknown, early)
    ]


def test_an_unfinished_proof_tells_how_far_it_is(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """In the refusal's data."""
    address = still_world.exchange.address
    kiosk.ask("watchContract", address)
    kiosk.begin(kiosk.job(address))

    refused = kiosk.refused("getProof", address)

    assert ("proof_unfinished", {"address": address, "state": "in_progress"}) == (
        refused["data"]["code"],
        refused["data"]["details"],
    )


def test_the_image_contract_is_solidity_that_names_the_key(kiosk: Kiosk) -> None:
    """Zero where the deployment has no verification key."""
    source = kiosk.ask("getImageIDContract")

    assert source.startswith("// SPDX-License-Identifier: MIT\npragma solidity")
    assert "library ImageID {\n" in source
    assert ZERO in source
    kiosk.deps.settings = kiosk.deps.settings.model_copy(update={"image_id": "0x" + "ab" * 32})
    assert f"bytes32 public constant PROVER_ID = bytes32(0x{'ab' * 32});" in kiosk.ask("getImageIDContract")


def test_health_is_null(idle: Kiosk) -> None:
    """The database and the chain answer."""
    assert idle.ask("healthCheck") is None


def test_a_chain_that_is_away_is_told_as_later(kiosk: Kiosk) -> None:
    """-32002 and the seconds to wait; the method itself is all right."""
    kiosk.deps.settings = kiosk.deps.settings.model_copy(update={"rpc_urls": "plain:http://127.0.0.1:1"})

    refused = kiosk.refused("healthCheck")

    assert -32002 == refused["code"]
    assert refused["data"]["retry_after_s"] > 0


@pytest.mark.parametrize(
    "address", ["0x12", "", None, 7, ["0x"], {"a": 1}, NOWHERE.replace("5F", "5f"), "0x" + "é" * 40]
)
def test_an_address_that_is_none_is_an_invalid_param(idle: Kiosk, address: Any) -> None:
    """Also with a checksum that does not hold."""
    assert [-32602] * 3 == [
        idle.refused(method, address)["code"] for method in ("watchContract", "getProof", "getProofStatus")
    ]


@pytest.mark.parametrize("params", [[], [NOWHERE, NOWHERE], {"contract": NOWHERE}, {}])
def test_other_params_are_invalid(idle: Kiosk, params: Any) -> None:
    """Too few, too many, others' names."""
    status, answer = idle.say({"jsonrpc": "2.0", "method": "getProof", "params": params, "id": 1})

    assert (200, (-32602, 1)) == (status, code(answer))


def test_params_may_be_named(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """{"address": ...}, too."""
    address = still_world.exchange.address

    status, answer = kiosk.say(call("watchContract", {"address": address}, "a"))

    assert (200, {"jsonrpc": "2.0", "result": None, "id": "a"}) == (status, answer)


@pytest.mark.parametrize("path", ["/barter/rpc", "/v1/barter/rpc"])
@pytest.mark.parametrize("text", ["", "{", "[1,", "NaN", '{"id": "\ud800"}'])
def test_a_parse_error_is_answered_and_not_a_fault_of_http(idle: Kiosk, path: str, text: str) -> None:
    """Status 200, as every answer of JSON-RPC."""
    status, answer = idle.say(text.encode("utf-8", "backslashreplace").decode(), path=path)

    assert (200, (-32700, None)) == (status, code(answer))


@pytest.mark.parametrize("body", [1, "[]", {}, {"jsonrpc": "2.0", "method": 1, "id": 2}, {"method": "healthCheck"}])
def test_an_invalid_request_is_told(idle: Kiosk, body: Any) -> None:
    """Nothing is called."""
    status, answer = idle.say(body)

    assert (200, -32600) == (status, answer["error"]["code"])


def test_an_unknown_method_is_told(idle: Kiosk) -> None:
    """With those that there are."""
    status, answer = idle.say(call("watch"))

    assert (200, (-32601, 1)) == (status, code(answer))
    assert ["getImageIDContract", "getProof", "getProofStatus", "healthCheck", "watchContract"] == (
        answer["error"]["data"]["methods"]
    )


def test_a_notification_is_answered_with_no_content(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """204; the watch is there."""
    address = still_world.exchange.address

    status, answer = kiosk.say({"jsonrpc": "2.0", "method": "watchContract", "params": [address]})

    assert (204, None) == (status, answer)
    assert [address] == [one["address"] for one in kiosk.get("/barter/contracts")[1]["contracts"]]


def test_a_batch_is_answered_in_its_order_and_without_its_notifications(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """What is wrong with one spoils no other."""
    address = still_world.exchange.address
    body = [
        {"jsonrpc": "2.0", "method": "watchContract", "params": [address]},
        call("getProofStatus", [address], "a"),
        call("healthCheck", [], "b"),
        7,
        call("nothing", [], "c"),
    ]

    status, answers = kiosk.say(body)

    assert 200 == status
    assert [("a", -32001), ("b", None), (None, -32600), ("c", -32601)] == [
        (one["id"], one.get("error", {}).get("code")) for one in answers
    ]


def test_a_batch_has_a_cap(idle: Kiosk) -> None:
    """One call too many, and none is answered."""
    status, answer = idle.say([call("healthCheck")] * (BATCH_MAX + 1))

    assert (200, (-32600, None)) == (status, code(answer))
    assert {"calls": 21, "calls_max": 20} == answer["error"]["data"]


def test_a_stranger_has_a_hundred_calls_a_minute_in_batches_too(idle: Kiosk) -> None:
    """Five batches of twenty are a hundred; the border answers the next as it answers every request too many."""
    batch = [call("getImageIDContract")] * 20
    statuses = [idle.say(batch, key=None)[0] for _ in range(5)]

    status, refused = idle.say(call("getImageIDContract"), key=None)

    assert ([200] * 5, 429, "rate_limited") == (statuses, status, refused["error"]["code"])


def test_completion_is_told_to_who_waits(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """By the exchange's topic, step by step, and by that of all exchanges once it matters to others."""
    address = still_world.exchange.address
    kiosk.ask("watchContract", address)
    kiosk.complete(kiosk.begin(kiosk.job(address)))

    told = [(topic, body["event"]) for topic, body in kiosk.kernel.news.published if topic.startswith("barter")]

    assert [
        (f"barter:{address}", "proof_create"),
        (f"barter:{address}", "proof_begin"),
        (f"barter:{address}", "proof_complete"),
        ("barter", "proof_complete"),
    ] == told


def test_completion_is_told_by_a_webhook_in_the_same_commit(kiosk: Kiosk, still_world: BarterWorld) -> None:
    """Signed and delivered like every other; what nobody else has to know is told by the topic only."""
    kiosk.listen()
    address = still_world.exchange.address
    kiosk.ask("watchContract", address)
    kiosk.complete(kiosk.begin(kiosk.job(address)))

    assert ["barter.proof_completed"] == kiosk.told()
