"""The time-line of one obligation: from the request to the final block, in order, and only for operators."""

import json
from typing import Any

import pytest

from functions.ops.http_trace import handler
from functions.ops.wiring import Deps
from infra.local.anvil import AnvilNode
from kernel.auth import Role
from kernel.errors import Broken
from kernel.tasks import Task, TaskSpec
from tests.handlers.ops.purse import ETHER, Context, Purse, event, fund

pytestmark = pytest.mark.chain
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def trace(purse: Purse, key: str, role: Role | None = Role.OPERATOR) -> tuple[int, dict[str, Any]]:
    sent = event("http_trace")
    headers = {name: value for name, value in sent["headers"].items() if name != "x-api-key"}
    if role is not None:
        headers["x-api-key"] = purse.keys[role]
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = f"/v1/trace/{key}"
    answer = handler.bind(Deps(purse.kernel, purse.settings))({**sent, "headers": headers}, Context())
    return answer["statusCode"], json.loads(answer["body"])


def test_a_transfer_is_told_from_its_request_to_its_final_block(purse: Purse, anvil: AnvilNode) -> None:
    """Each room's part, in the order of time; the amounts are those of the books and of the chain."""
    chain = f"evm:{anvil.chain_id}"
    sender = purse.keep(chain)
    fund(anvil, sender, 10)
    purse.declare(chain, sender)
    purse.run()
    purse.send("pay-ada", chain, sender, STRANGER, ETHER)
    purse.run()

    status, told = trace(purse, "treasury/pay-ada")
    steps = [(one["room"], one["what"]) for one in told["moments"]]
    [settled] = [one for one in told["moments"] if (one["room"], one["what"]) == ("outbox", "confirmed")]
    booked = [one["facts"] for one in told["moments"] if one["room"] == "ledger"]
    assert (200, []) == (status, told["cut"])
    assert sorted(one["at"] for one in told["moments"]) == [one["at"] for one in told["moments"]]
    assert purse.transfer("pay-ada")["transaction_id"] == settled["facts"]["transaction_hash"]
    assert 0 == sum(int(one["amount"]) for one in booked)
    assert str(-ETHER) in {one["amount"] for one in booked} or any(int(one["amount"]) < -ETHER for one in booked)
    for step in [
        ("audit", "act"),
        ("outbox", "recorded"),
        ("tasks", "enqueued"),
        ("tasks", "claimed"),
        ("outbox", "signed"),
        ("outbox", "accepted by a node"),
        ("tasks", "done"),
    ]:
        assert step in steps, step
    assert (
        steps.index(("outbox", "recorded")) < steps.index(("outbox", "signed")) < steps.index(("outbox", "confirmed"))
    )


def test_what_failed_and_was_replayed_is_told(purse: Purse) -> None:
    """With the error, and with whoever replayed it."""
    [id_] = purse.kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="round-1", payload={}, run_at=purse.clock.now())]
    )
    task = purse.kernel.tasks.claim(id_, "w", 30)
    assert isinstance(task, Task)
    purse.kernel.tasks.finish(task.fence, Broken("It broke."))
    purse.kernel.tasks.replay(id_, "key:ada")

    _, told = trace(purse, "round-1")
    steps = [(one["room"], one["what"]) for one in told["moments"]]
    assert [("tasks", "enqueued"), ("tasks", "claimed")] == steps[:2]
    assert {("tasks", "replayed"), ("audit", "act")} <= set(steps)


def test_a_trace_holds_no_payload_and_no_bytes(purse: Purse) -> None:
    """What a task carries may be a customer's; what was signed is nobody's to copy."""
    purse.kernel.tasks.enqueue(
        [TaskSpec(kind="oracle.commit", business_key="k", payload={"secret": "canary"}, run_at=purse.clock.now())]
    )

    assert "canary" not in json.dumps(trace(purse, "k")[1])


@pytest.mark.parametrize("key", ["nothing", "treasury/nothing", "a/b/c", "x" * 200])
def test_an_unknown_key_is_not_found(purse: Purse, key: str) -> None:
    """Whatever it looks like."""
    status, body = trace(purse, key)

    assert (404, "no_trace") == (status, body["error"]["code"])


@pytest.mark.parametrize("key", ["%00", "x" * 201, "%F0%9F%92%B0"])
def test_what_cannot_be_a_key_is_refused(purse: Purse, key: str) -> None:
    """Before the database is asked."""
    assert 400 == trace(purse, key)[0]


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OPERATOR, 404), (Role.ADMIN, 404)])
def test_only_operators_look(purse: Purse, role: Role | None, status: int) -> None:
    """Money's ways are not for everybody."""
    assert status == trace(purse, "nothing", role)[0]
