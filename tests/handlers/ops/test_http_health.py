"""Liveness over HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.ops.adapters.health import ProbeLate
from functions.ops.http_health import handler
from functions.ops.wiring import ROLE, Deps, Settings
from kernel.auth import Role, Tier
from kernel.offload import Job, Work
from kernel.offload.asking import JobsOverdue
from kernel.tasks import QueueUnavailable
from kernel.testing import FakeClock
from kernel.testing.kernel import KEY_ID, FakedKernel
from tests.handlers.ops.purse import event

pytestmark = pytest.mark.handlers
WORK = Work(units=1, in_process_units_per_s=1, gpu_units_per_s=1)
MODAL = Settings(modal_app="counterpart")
EVENT = json.loads(Path("events/ops/http_health.json").read_text(encoding="utf-8"))


def test_a_running_function_says_so(database_url: str) -> None:
    """200, with the stage."""
    kernel = FakedKernel(database_url, role=ROLE)
    answer = handler.bind(Deps(kernel))(EVENT, None)
    kernel.close()

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok", "stage": "test"})


def test_it_is_alive_without_its_database() -> None:
    """Liveness asks nobody."""
    away = FakedKernel("postgresql://127.0.0.1:1/none", role=ROLE)

    assert handler.bind(Deps(away))(EVENT, None)["statusCode"] == 200


def deep(deps: Deps, role: Role | None = Role.OPERATOR) -> Any:
    """Status and body of the deep check."""
    sent = event("http_health")
    headers = {name: value for name, value in sent["headers"].items() if name != "x-api-key"}
    if role is not None:
        headers["x-api-key"] = deps.kernel.api_keys.issue(
            tier=Tier.ADMIN, role=role, label="a test", actor="a test"
        ).key
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = "/health/deep"
    answer = handler.bind(deps)({**sent, "headers": headers}, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE)
    yield kernel
    kernel.close()


def test_operators_see_how_everything_stands(kernel: FakedKernel) -> None:
    """Each with its latency; a dependency that only its users know stands as its breaker says."""
    with pytest.raises(ProbeLate), kernel.breakers.guard("pinning:pinata"):
        raise ProbeLate

    status, told = deep(Deps(kernel))
    states = {part["name"]: part["state"] for part in told["parts"]}

    assert (200, "degraded") == (status, told["status"])
    assert dict.fromkeys(("postgres", "redis", "queues", "kms", "offload"), "active").items() <= states.items()
    assert "degraded" == states["pinning:pinata"]
    assert all(part["latency_ms"] is not None for part in told["parts"] if part["name"] in {"postgres", "redis"})


def test_a_service_that_needs_a_person_is_not_well(kernel: FakedKernel) -> None:
    """Though everything answers; an alarm that has passed is none."""
    with kernel.postgres.transaction(role="counterpart_oracle") as tx:
        tx.execute("insert into oracle.alarms (alarm, began_at) values ('reveal_missing', now())")
        tx.execute("insert into oracle.alarms (alarm, began_at, ended_at) values ('low_balance', now(), now())")

    status, told = deep(Deps(kernel))
    alarms = {part["name"]: part["state"] for part in told["parts"] if part["name"].startswith("alarm:")}

    assert (200, "degraded", {"alarm:oracle.reveal_missing": "degraded"}) == (status, told["status"], alarms)


@pytest.mark.parametrize("part", ["redis", "queues", "kms"])
def test_what_is_away_is_named(kernel: FakedKernel, part: str) -> None:
    """The rest goes on; the breaker hears of it, so the next look says how often."""
    if part == "redis":
        kernel.memory.down = True
    elif part == "queues":
        kernel.queue.failing = QueueUnavailable()
    else:
        kernel.keys.disable(KEY_ID)

    status, told = deep(Deps(kernel))
    [found] = [one for one in told["parts"] if one["name"] == part]

    assert (200, "degraded", "degraded") == (status, told["status"], found["state"])
    assert found["problem"] in {"cache_unavailable", "queue_unavailable", "key_unavailable"}
    assert 1 == kernel.breakers.condition(part).failures


def test_rpc_endpoints_are_named_by_host_without_their_credential(kernel: FakedKernel) -> None:
    """A URL often carries one."""
    chain = {"chain": "evm:1", "rpc_urls": "plain:http://ada:secret@127.0.0.1:1/v2/credential"}
    _, told = deep(Deps(kernel, Settings(chains=(chain,))))
    names = [part["name"] for part in told["parts"] if part["name"].startswith("rpc:")]

    assert ["rpc:evm:1:127.0.0.1:1"] == names
    assert not {"secret", "credential"} & set(json.dumps(told).replace("/", " ").replace(":", " ").split())


def test_rpc_endpoints_that_nobody_can_name_are_a_problem(kernel: FakedKernel) -> None:
    """Their URLs are behind a reference that leads nowhere: not knowing of an endpoint is not health."""
    _, told = deep(Deps(kernel, Settings(chains=({"chain": "evm:1", "rpc_urls": "ssm:absent"},))))
    [found] = [part for part in told["parts"] if part["name"] == "rpc"]

    assert ("degraded", "degraded", "secret_absent") == (told["status"], found["state"], found["problem"])


def test_a_database_that_is_away_is_an_outage() -> None:
    """Whoever asks is not even known then: 503 in the house's shape, within the deadline."""
    away = Deps(FakedKernel("postgresql://127.0.0.1:1/none", role=ROLE))
    sent = event("http_health")
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = "/health/deep"
    sent["headers"]["x-api-key"] = "cp_" + "a" * 12 + "_" + "b" * 43
    answer = handler.bind(away)(sent, None)

    assert (503, "database_unavailable") == (answer["statusCode"], json.loads(answer["body"])["error"]["code"])


def ask(kernel: FakedKernel) -> None:
    """A job that nobody takes up."""
    job = Job(business_key="vanity-1", service="ops", function="grind", arguments={}, work=WORK)
    with kernel.postgres.transaction() as tx:
        kernel.jobs.submit(tx, job)


@pytest.mark.parametrize(("age_s", "state"), [(0, "active"), (599, "active"), (601, "degraded")])
def test_jobs_that_nobody_drives_are_a_problem(database_url: str, age_s: int, state: str) -> None:
    """Ten minutes after the job was asked for, which is twenty polls that did not come about."""
    clock = FakeClock()
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    ask(kernel)
    clock.advance(age_s)
    _, told = deep(Deps(kernel))
    kernel.close()
    [found] = [one for one in told["parts"] if one["name"] == "offload"]

    assert (state, None if state == "active" else "jobs_overdue") == (found["state"], found["problem"])


def test_an_attempt_under_way_has_its_time(database_url: str) -> None:
    """A GPU may compute for an hour: an attempt is late after its own end, not after ten minutes."""
    clock = FakeClock()
    kernel = FakedKernel(database_url, role=ROLE, clock=clock)
    ask(kernel)
    with kernel.postgres.transaction() as tx:
        begun, end = clock.now(), clock.now() + timedelta(hours=1)
        tx.execute("update kernel.offload_jobs set state = 'called', attempt = 1")
        tx.execute(
            """insert into kernel.offload_attempts
            select id, 1, 'modal', 0, 0, 1, %(begun)s, %(end)s from kernel.offload_jobs""",
            begun=begun,
            end=end,
        )
    clock.advance(3_600 + 599)
    kernel.jobs.check()
    clock.advance(2)

    with pytest.raises(JobsOverdue):
        kernel.jobs.check()
    kernel.close()


def test_modal_is_told_of_where_the_settings_name_its_app(kernel: FakedKernel) -> None:
    """Before anybody used it, and as its breaker has it afterwards: who answers health has no token of Modal's."""
    without = {part["name"] for part in deep(Deps(kernel))[1]["parts"]}
    fresh = {part["name"]: part["state"] for part in deep(Deps(kernel, MODAL))[1]["parts"]}
    with pytest.raises(ProbeLate), kernel.breakers.guard("modal"):
        raise ProbeLate
    failing = {part["name"]: part["state"] for part in deep(Deps(kernel, MODAL))[1]["parts"]}

    assert "modal" not in without
    assert ("initializing", "degraded") == (fresh["modal"], failing["modal"])


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OPERATOR, 200)])
def test_only_operators_look_deep(kernel: FakedKernel, role: Role | None, status: int) -> None:
    """What we depend on is nobody else's business."""
    assert status == deep(Deps(kernel), role)[0]
