"""queue_poll_offload: an offloaded job is computed by its function, checked and told of; a word wakes its poll."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.http_hooks import handler as hooks_handler
from functions.ops.queue_poll_offload import handler
from functions.ops.wiring import ROLE, Deps, Settings
from gpu.catalogue import weighted_medians_work
from infra.local.notices import Letter, Modal
from kernel.ids import new_id
from kernel.offload import Job
from kernel.offload.jobs import Attempt
from kernel.testing import FakeClock, InMemorySecrets
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/queue_poll_offload.json").read_text(encoding="utf-8"))
HOOK_EVENT = json.loads(Path("events/ops/http_hooks.json").read_text(encoding="utf-8"))
KEY, SECRET = "reward-epoch-42/medians", "a secret of the app"
VOTES = np.array([[2**31 + 5, 2**31 + 7, 2**31 + 6], [0, 0, 0]], dtype="<u4")
TOKEN = "ssm:modal-token"


@pytest.fixture
def kernel(database_url: str) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE, clock=FakeClock())
    kernel.secrets = InMemorySecrets({"ssm:hook": SECRET, TOKEN: "no token"})
    yield kernel
    kernel.close()


@pytest.fixture
def poll(kernel: FakedKernel) -> Callable[..., dict[str, Any]]:
    """Hand over the message about the job's task; the task afterwards."""

    def run(**settings: Any) -> dict[str, Any]:
        (record,) = EVENT["Records"]
        body = json.dumps({"task_id": str(task(kernel)["id"])})
        answer = handler.bind(Deps(kernel, Settings(**settings)))({"Records": [{**record, "body": body}]}, None)

        assert answer == {"batchItemFailures": []}
        return task(kernel)

    return run


def task(kernel: FakedKernel, kind: str = "ops.poll_offload") -> dict[str, Any]:
    with kernel.postgres.transaction() as tx:
        return tx.one("select * from kernel.tasks where kind = %(kind)s and business_key = %(key)s", kind=kind, key=KEY)


def ask(
    kernel: FakedKernel, votes: Any = VOTES, *, columns: int = 2, weights: tuple[str, ...] = ("1", "1", "1")
) -> None:
    job = Job(
        business_key=KEY,
        service="oracle",
        function="weighted_medians",
        arguments={"weights": list(weights)},
        work=weighted_medians_work(columns, 3),
        input=kernel.jobs.keep_input(votes.tobytes()),
        then_kind="oracle.take_medians",
    )
    with kernel.postgres.transaction() as tx:
        kernel.jobs.submit(tx, job)


def attempts(kernel: FakedKernel) -> tuple[Attempt, ...]:
    job = kernel.jobs.job_of(KEY)
    assert job is not None
    return job.attempts


def test_medians_are_computed_checked_and_told(kernel: FakedKernel, poll: Callable[..., dict[str, Any]]) -> None:
    """In process by default; the slice that asked finds its follow-up task, the result and the output."""
    ask(kernel)
    ended = poll()
    job = kernel.jobs.job_of(KEY)

    assert job is not None
    assert (ended["state"], job.state, job.result) == ("done", "completed", {"columns": 2, "voted": 1})
    found = np.frombuffer(kernel.jobs.output(job) or b"", dtype="<u4").reshape(3, 2) - np.uint32(2**31)
    assert found[:, 0].tolist() == [6, 5, 7]
    assert task(kernel, "oracle.take_medians")["payload"] == {"job_id": str(job.id)}


def test_what_a_function_refuses_fails_at_once(kernel: FakedKernel, poll: Callable[..., dict[str, Any]]) -> None:
    """It would refuse it every time; whoever asked is told why."""
    ask(kernel, weights=("-1", "1", "1"))
    ended = poll()
    job = kernel.jobs.job_of(KEY)

    assert job is not None
    assert (ended["state"], job.state, [one.outcome for one in job.attempts]) == ("done", "failed", ["refused"])
    assert job.reason == "refused: a weight is the text of an integer from 0 to 2^100 - 1"
    assert task(kernel, "oracle.take_medians")["state"] == "ready"


def test_a_token_that_is_none_parks_the_task_with_its_remedy(
    kernel: FakedKernel, poll: Callable[..., dict[str, Any]]
) -> None:
    """No call was made, so no attempt of the job is spent; a replay goes on where it stood."""
    ask(kernel, columns=10**9)
    ended = poll(modal_app="counterpart", modal_token=TOKEN)

    assert (ended["state"], ended["error_code"]) == ("parked", "modal_unauthorized")
    assert [(str(one.place), one.outcome) for one in attempts(kernel)] == [("modal", "not_made")]


def test_without_an_app_what_is_too_large_for_this_process_waits(
    kernel: FakedKernel, poll: Callable[..., dict[str, Any]]
) -> None:
    """Somebody may name an app; no attempt is spent meanwhile."""
    ask(kernel, columns=10**9)

    assert (poll()["state"], attempts(kernel)) == ("ready", ())


def post(kernel: FakedKernel, letter: Letter) -> tuple[int, dict[str, Any]]:
    """What POST /hooks/modal answers."""
    hooks = (HookSettings(provider="modal", secret="ssm:hook"),)
    context = HOOK_EVENT["requestContext"]
    event = {
        **HOOK_EVENT,
        "rawPath": "/hooks/modal",
        "headers": dict(letter.headers),
        "requestContext": {**context, "http": {**context["http"], "path": "/hooks/modal"}},
        "body": letter.body.decode(),
        "isBase64Encoded": False,
    }
    answer = hooks_handler.bind(Deps(kernel, Settings(hooks=hooks)))(event, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def running(kernel: FakedKernel, poll: Callable[..., dict[str, Any]]) -> Any:
    """A job whose first attempt runs elsewhere, polled again in half an hour."""
    ask(kernel)
    job = kernel.jobs.job_of(KEY)
    assert job is not None
    later = "update kernel.tasks set run_at = now() + interval '30 minutes', sweep_at = now() + interval '30 minutes'"
    begun = """
        insert into kernel.offload_attempts (job_id, attempt, provider, estimate_ms, price_microusd, fence, begun_at,
                                             give_up_at, call_id)
        values (%(id)s, 1, 'modal', 1, 1, 1, %(now)s, %(now)s + interval '1 hour', 'fc-1')
    """
    with kernel.postgres.transaction() as tx:
        tx.execute(later.replace("now()", "%(now)s"), now=kernel.clock.now())
        tx.execute("update kernel.offload_jobs set state = 'running', attempt = 1")
        tx.execute(begun, id=job.id, now=kernel.clock.now())
    return job


def test_a_signed_word_wakes_the_poll_once(kernel: FakedKernel, running: Any) -> None:
    """It moves the poll's time and nothing else; the same word again, and one about another attempt, move nothing."""
    modal, now_s = Modal(secret=SECRET), kernel.clock.time_s()
    kernel.queue.sent.clear()
    stale_attempt = post(kernel, modal.ended(running.id, 2, now_s))
    first = post(kernel, modal.ended(running.id, 1, now_s))
    again = post(kernel, modal.ended(running.id, 1, now_s))

    assert [stale_attempt, first, again] == [(200, {"events": 1, "tasks": woken}) for woken in (0, 1, 0)]
    assert (task(kernel)["run_at"], task(kernel)["state"]) == (kernel.clock.now(), "ready")
    assert [(sent.queue, sent.delay_s) for sent in kernel.queue.sent] == [("ops-poll-offload", 0)]
    assert kernel.jobs.job(running.id).result is None


def test_words_that_are_not_ours_wake_nobody(kernel: FakedKernel, running: Any) -> None:
    """Forged, changed, kept back, of an unknown job, or of another form: refused or without effect."""
    now_s = kernel.clock.time_s()
    genuine = Modal(secret=SECRET).ended(running.id, 1, now_s)
    unknown = Modal(secret=SECRET).ended(new_id(), 1, now_s)
    answers = [
        post(kernel, Modal(secret="another").ended(running.id, 1, now_s)),
        post(kernel, genuine.forged()),
        post(kernel, Letter("modal", {**genuine.headers, "webhook-timestamp": str(int(now_s) + 1)}, genuine.body)),
        post(kernel, Letter("modal", {**genuine.headers, "webhook-id": "x.1"}, genuine.body)),
        post(kernel, Letter("modal", {}, genuine.body)),
        post(kernel, Modal(secret=SECRET).ended(running.id, 1, now_s - 301)),
        post(kernel, Modal(secret=SECRET).ended(running.id, 2**40, now_s)),
        post(kernel, unknown),
    ]

    told = [body.get("error", {}).get("code", body) for _, body in answers]
    assert told == [*["hook_forged"] * 5, "hook_stale", "delivery_unfit", {"events": 1, "tasks": 0}]
    assert task(kernel)["run_at"] > kernel.clock.now()
