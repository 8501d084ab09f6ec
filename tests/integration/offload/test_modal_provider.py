"""Modal's own client against a server that speaks its protocol: spawn, ask, cancel, and every way it can fail."""

import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from grpclib import Status
from modal_proto import api_pb2
from pydantic import SecretStr

from gpu import carrier
from gpu.catalogue import find, problem_of, weighted_medians_work
from gpu.reduce import medians
from infra.local.aws import Aws
from kernel.breaker import Breakers
from kernel.errors import CounterpartError
from kernel.ids import new_id
from kernel.offload import Job, Jobs, Offload, Place
from kernel.offload.jobs import Call, Refusal
from kernel.offload.modal import (
    ModalFunctionAbsent,
    ModalProvider,
    ModalRefused,
    ModalUnauthorized,
    ModalUnavailable,
)
from kernel.offload.objects import S3Objects, put
from kernel.offload.providers import Accepted, Gone, InProcess, NotMade, Pending, Provider
from kernel.offload.rates import DEFAULTS
from kernel.postgres import Postgres
from kernel.tasks import NotClaimed, Tasks
from kernel.testing import FakeClock, InMemoryObjects, InMemoryQueue
from tests.integration.offload.modal_server import APP, TOKEN_ID, TOKEN_SECRET, ModalServer

pytestmark = pytest.mark.integration
FUNCTION = "weighted_medians"
VOTES = np.array([[2**31 + 5, 2**31 + 7, 2**31 + 6]] * 5, dtype="<u4").tobytes()
STATUS = api_pb2.GenericResult


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModalServer]:
    """Modal, with our app deployed: the function as it stands there, but for the GPU."""
    server = ModalServer({FUNCTION: partial(carrier.carried, run=medians.run, hook=None)})
    server.start()
    monkeypatch.setenv("MODAL_SERVER_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def provider_of(server: ModalServer, breakers: Breakers) -> Iterator[Callable[..., ModalProvider]]:
    """A provider with this token and app; its connection is given back."""
    made: list[ModalProvider] = []

    def make(token: str = f"{TOKEN_ID}:{TOKEN_SECRET}", *, app: str = APP, objects: Any = None) -> ModalProvider:
        store = objects or InMemoryObjects()
        made.append(ModalProvider(app, lambda: SecretStr(token), store, breakers, timeout_s=4))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def breakers(database_url: str) -> Iterator[Breakers]:
    breakers = Breakers(Postgres(database_url, role="counterpart_ops"))
    yield breakers
    breakers.close()


def call(function: str = FUNCTION) -> Call:
    key = "offload/job/1"
    return Call(job_id=new_id(), attempt=1, function=function, arguments={}, input=None, output_key=key)


@pytest.fixture
def modal(provider_of: Callable[..., ModalProvider]) -> ModalProvider:
    return provider_of()


@pytest.fixture
def spawned(modal: ModalProvider) -> str:
    accepted = modal.start(call())
    assert isinstance(accepted, Accepted)
    return accepted.call_id


def test_what_is_spawned_is_pending_until_it_has_run(server: ModalServer, modal: ModalProvider, spawned: str) -> None:
    """It gets the job, its attempt, its arguments and two URLs, and no credential."""
    name, payload = server.calls[spawned]
    before = modal.look(spawned, "offload/job/1")
    server.run(spawned)

    assert (name, before) == (FUNCTION, Pending())
    assert set(payload) == {"job_id", "attempt", "arguments", "input", "output_url"}
    assert modal.look(spawned, "offload/job/1") == Refusal("the arguments are weights, a list, and nothing else")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (STATUS.GENERIC_STATUS_TIMEOUT, "timed_out"),
        (STATUS.GENERIC_STATUS_INTERNAL_FAILURE, "failed"),
        (STATUS.GENERIC_STATUS_FAILURE, "failed"),
        (STATUS.GENERIC_STATUS_TERMINATED, "failed"),
    ],
)
def test_calls_that_ended_without_a_result_are_gone(
    server: ModalServer, modal: ModalProvider, spawned: str, status: Any, outcome: str
) -> None:
    """None of these says that Modal is away."""
    server.end(spawned, status)
    gone = modal.look(spawned, "key")

    assert isinstance(gone, Gone)
    assert gone.outcome == outcome


def test_results_that_are_not_kept_any_more_are_gone(server: ModalServer, modal: ModalProvider, spawned: str) -> None:
    """After a week Modal forgets them; a call of another workspace it never knew."""
    server.expired.add(spawned)

    assert [getattr(modal.look(one, "key"), "outcome", None) for one in (spawned, "fc-unknown")] == ["expired"] * 2


@pytest.mark.parametrize("told", [None, 5, {"result": {}}, {"result": {}, "output": {"sha256": "", "size_bytes": 1}}])
def test_answers_of_another_form_are_unfit(
    server: ModalServer, modal: ModalProvider, spawned: str, told: object
) -> None:
    """The app may be of another version than the bundle."""
    server.functions = {FUNCTION: lambda _: told}
    server.run(spawned)
    gone = modal.look(spawned, "key")

    assert isinstance(gone, Gone)
    assert gone.outcome == "unfit"


@pytest.mark.parametrize("failure", [OSError("disk"), MemoryError(), urllib.error.URLError("no route")])
def test_whatever_a_function_raises_is_its_failure(
    server: ModalServer, modal: ModalProvider, spawned: str, failure: Exception
) -> None:
    """The carrier lets out nothing that could be taken for Modal's own silence."""

    def fail(arguments: object, content: object) -> Any:
        raise failure

    server.functions = {FUNCTION: partial(carrier.carried, run=fail, hook=None)}
    server.run(spawned)

    assert modal.look(spawned, "key") == Gone("failed", "Failed")


@pytest.mark.parametrize("token", ["", "no token", "ak-local:", ":as-local", "ak-local:as-other"])
def test_a_token_that_is_not_accepted_has_a_remedy(
    server: ModalServer, provider_of: Callable[..., ModalProvider], token: str
) -> None:
    """No call was made; the words say what to do, and nothing of the token."""
    refused = provider_of(token).start(call())

    assert isinstance(refused, NotMade)
    assert isinstance(refused.error, ModalUnauthorized)
    assert "modal token new" in str(refused.error)
    assert server.calls == {}


def test_a_function_that_is_not_deployed_has_a_remedy(provider_of: Callable[..., ModalProvider]) -> None:
    """Neither the app's name nor the function's is guessed."""
    for one in (provider_of().start(call("other")), provider_of(app="other").start(call())):
        assert isinstance(one, NotMade)
        assert isinstance(one.error, ModalFunctionAbsent)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.INTERNAL, ModalUnavailable),
        (Status.RESOURCE_EXHAUSTED, ModalUnavailable),
        (Status.INVALID_ARGUMENT, ModalRefused),
        (Status.PERMISSION_DENIED, ModalUnauthorized),
    ],
)
def test_the_servers_failures_are_told_apart(
    server: ModalServer, modal: ModalProvider, spawned: str, status: Status, expected: type[CounterpartError]
) -> None:
    """Away, refused, or not allowed; asked for a result or for a call."""
    server.failing = status

    with pytest.raises(expected):
        modal.look(spawned, "key")


def test_a_server_that_is_away_was_told_nothing(modal: ModalProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is refused, so no call was made; the client itself would try for a minute."""
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    refused = modal.start(call())

    assert isinstance(refused, NotMade)
    assert isinstance(refused.error, ModalUnavailable)


def test_a_server_that_says_nothing_leaves_open_what_it_did(server: ModalServer, modal: ModalProvider) -> None:
    """The call may have been made, as here: so its attempt counts, and the breaker hears of it."""
    server.silent = True
    with pytest.raises(ModalUnavailable):
        modal.start(call())
    server.silent = False

    assert len(server.calls) == 1
    assert modal.usable()


def test_an_open_circuit_makes_no_call(server: ModalServer, modal: ModalProvider, breakers: Breakers) -> None:
    """After so many failures Modal is left alone, and the router is told so."""
    usable_before = modal.usable()
    for _ in range(5):
        breakers.failed("modal", "told")

    assert (usable_before, modal.usable()) == (True, False)
    refused = modal.start(call())
    assert isinstance(refused, NotMade)
    assert (refused.error.code, server.calls) == ("circuit_open", {})


def test_a_call_can_be_cancelled(server: ModalServer, modal: ModalProvider, spawned: str) -> None:
    """By its id."""
    modal.cancel(spawned)

    assert server.cancelled == [spawned]


@pytest.fixture
def stage(provider_of: Callable[..., ModalProvider], database_url: str, aws: Aws) -> Iterator[Callable[[], Any]]:
    """A job of five columns whose only place is Modal; each call is one look at it, and returns the job."""
    postgres, clock = Postgres(database_url, role="counterpart_ops"), FakeClock()
    objects = S3Objects(aws.create_bucket("offload"))
    tasks = Tasks(postgres, InMemoryQueue(clock), clock)
    jobs = Jobs(postgres, tasks, objects, clock)
    elsewhere = provider_of(objects=objects)
    rates = replace(DEFAULTS, in_process_ms_max=0)
    providers: dict[Place, Provider] = {Place.IN_PROCESS: InProcess(find, objects), Place.MODAL: elsewhere}
    offload = Offload(postgres, tasks, objects, providers, clock, rates=lambda: rates)
    job = Job(
        business_key="medians",
        service="ops",
        function=FUNCTION,
        arguments={"weights": ["1", "1", "1"]},
        work=weighted_medians_work(5, 3),
        input=jobs.keep_input(VOTES),
    )
    with postgres.transaction() as tx:
        job_id = jobs.submit(tx, job)

    def step() -> Any:
        (task,) = tasks.about("medians")
        if task.state == "ready":
            clock.set(max(clock.now(), task.run_at))
            claimed = tasks.claim(task.id, "worker", 60)
            assert not isinstance(claimed, NotClaimed)
            tasks.finish(claimed.fence, offload.advance(job_id, claimed.fence, problem_of))
        return jobs.job(job_id), objects

    yield step
    objects.close()
    postgres.close()


def test_a_job_goes_through_modal_and_s3_and_comes_back(server: ModalServer, stage: Callable[[], Any]) -> None:
    """Input and output go by signed URLs of a real S3 server; the check passes what comes back."""
    stage()
    server.run("fc-1")
    job, objects = stage()

    assert (job.state, job.result) == ("completed", {"columns": 5, "voted": 5})
    content = objects.get(job.output.key, job.output.size_bytes)
    assert (np.frombuffer(content, dtype="<u4") - np.uint32(2**31)).tolist() == [6] * 5 + [5] * 5 + [7] * 5
    assert job.output.key == f"offload/{job.id}/1"


def test_an_input_that_was_changed_on_its_way_is_not_computed(server: ModalServer, stage: Callable[[], Any]) -> None:
    """The function compares its hash; the attempt fails, and another one is begun."""
    job, objects = stage()
    put(objects, job.input.key, VOTES[:-1] + b"\x00")
    server.run("fc-1")
    after, _ = stage()

    assert [(one.outcome, one.error) for one in after.attempts] == [("failed", "Failed")]


def test_a_lying_gpu_is_not_believed(server: ModalServer, stage: Callable[[], Any]) -> None:
    """Its output is whole and of the right form, and one median is off by one."""

    def lie(arguments: Any, content: bytes | None) -> tuple[dict[str, Any], bytes]:
        result, output = medians.run(arguments, content)
        wrong = np.frombuffer(output, dtype="<u4").copy()
        wrong[3] += 1
        return result, wrong.tobytes()

    stage()
    server.functions = {FUNCTION: partial(carrier.carried, run=lie, hook=None)}
    server.run("fc-1")
    job, _ = stage()

    assert (job.state, [(one.outcome, one.error) for one in job.attempts]) == (
        "recorded",
        [("unfit", "column 3 is wrong")],
    )


def test_the_app_imports_without_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions have the names of the catalogue; nothing asks for a token or a GPU."""
    monkeypatch.delenv("MODAL_TOKEN_ID", raising=False)
    from gpu import app

    assert callable(app.weighted_medians.local)
    assert find(FUNCTION) is medians.run
