"""Offloaded jobs: each has one checked result, told once, whatever its callers die of, and whatever they called twice.

Three jobs: a small one for this process, a large one for a farm elsewhere, with input and output in S3, and one of
which the farm tells a wrong result first. What a job's end asks for adds to a table that has no key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kernel.offload import Computed, Job, Jobs, Offload, Place, Work
from kernel.offload.jobs import Answer, Call, Stored
from kernel.offload.objects import S3Objects, put
from kernel.offload.providers import Accepted, Ending, InProcess, NotMade, Pending
from kernel.offload.rates import DEFAULTS
from kernel.tasks import Done, Outcome
from kernel.tasks.model import Task
from tests.crash.harness.scenario import scenario
from tests.crash.harness.world import World

POLL, THEN, BUCKET = "ops.poll_offload", "ops.take_result", "crash-offload"
COMPUTES_S = 1.5
NUMBERS = {"small": 21, "large": 4, "doubted": 7}
SMALL = Work(units=1, in_process_units_per_s=1_000, gpu_units_per_s=1_000)
LARGE = Work(units=10**6, in_process_units_per_s=1, gpu_units_per_s=1_000_000)
TABLE = "create table public.results (key text not null, number int not null)"
GRANT = "grant select, insert on public.results to counterpart_ops"
INSERT = "insert into public.results (key, number) values (%(key)s, %(number)s)"
RESULTS = "select key, number from public.results order by key"
JOBS = "select id, business_key, state, attempt, output_key from kernel.offload_jobs order by business_key"
ATTEMPTS = "select job_id, attempt, outcome, call_id from kernel.offload_attempts order by job_id, attempt"


def double(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], bytes | None]:
    """The function: twice the number, and the input backwards."""
    return {"number": 2 * arguments["number"]}, None if content is None else content[::-1]


def problem_of(computed: Computed) -> str | None:
    """The caller's check."""
    if computed.result != {"number": 2 * computed.arguments["number"]}:
        return "the result is wrong"
    content = computed.input()
    return None if computed.output == (content and content[::-1]) else "the output is wrong"


@dataclass
class Farm:
    """Somebody who computes elsewhere, in a file that outlives its callers; a result takes its time."""

    world: World
    objects: S3Objects

    @property
    def file(self) -> Path:
        """One line a call."""
        return self.world.site.path("farm")

    def usable(self) -> bool:
        """Always."""
        return True

    def start(self, call: Call) -> Accepted | Ending | NotMade:
        """The call is made once its line is written."""
        line = {
            "key": call.output_key,
            "number": call.arguments["number"],
            "input": call.input and call.input.key,
            "ready_s": self.world.clock.time_s() + COMPUTES_S,
            "wrong": call.arguments.get("doubted", False) and not self._was_asked(call),
        }
        with self.file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return Accepted(f"fc-{len(self.lines())}")

    def look(self, call_id: str, output_key: str) -> Pending | Ending:
        """What the call computed, and put out, when its time has come."""
        line = self.lines()[int(call_id.removeprefix("fc-")) - 1]
        assert line["key"] == output_key, (line, output_key)
        if self.world.clock.time_s() < line["ready_s"]:
            return Pending()
        with self.world.points.unwatched():
            content = self.objects.get(line["input"], 100) if line["input"] else None
            result, output = double(line, content)
            stored: Stored | None = None if output is None else put(self.objects, output_key, output)
        return Answer({"number": result["number"] + 1} if line["wrong"] else result, stored)

    def cancel(self, call_id: str) -> None:
        """Too late."""

    def lines(self) -> list[dict[str, Any]]:
        """Every call that was made."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def _was_asked(self, call: Call) -> bool:
        return any(line["number"] == call.arguments["number"] for line in self.lines())


class Desk:
    """Asks for jobs, polls them, and takes their results."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def objects(self) -> S3Objects:
        """The bucket; its calls are points."""
        return S3Objects(BUCKET, self.world.aws_client("s3"))

    @cached_property
    def jobs(self) -> Jobs:
        """What a slice asks by."""
        return Jobs(self.world.postgres, self.world.tasks, self.objects, self.world.clock)

    @cached_property
    def offload(self) -> Offload:
        """Those who compute: this process, and the farm."""
        world = self.world
        farm = world.points.watched(Farm(world, self.objects), "start", "look", name="farm")
        providers = {Place.IN_PROCESS: InProcess({"double": double}.get, self.objects), Place.MODAL: farm}
        return Offload(world.postgres, world.tasks, self.objects, providers, world.clock, rates=lambda: DEFAULTS)

    def ask(self) -> None:
        """All three in one commit; the input is there before."""
        stored = self.jobs.keep_input(b"forwards")
        with self.world.postgres.transaction() as tx:
            for key, number in NUMBERS.items():
                arguments = {"number": number} | ({"doubted": True} if key == "doubted" else {})
                job = Job(
                    business_key=key,
                    service="ops",
                    function="double",
                    arguments=arguments,
                    work=SMALL if key == "small" else LARGE,
                    input=stored if key == "large" else None,
                    then_kind=THEN,
                    attempts_max=20,
                )
                self.jobs.submit(tx, job)

    def poll(self, task: Task[dict[str, Any]]) -> Outcome:
        """What queue_poll_offload does."""
        return self.offload.advance(task.payload["job_id"], task.fence, problem_of)

    def take(self, task: Task[dict[str, Any]]) -> Outcome:
        """What the slice makes of a job's end: one row, in the commit that ends its task."""
        job = self.jobs.job(task.payload["job_id"])
        assert job.result is not None, job
        with self.world.postgres.transaction(holding=task.fence) as tx:
            tx.execute(INSERT, key=job.business_key, number=job.result["number"])
            self.world.tasks.complete(tx, task.fence)
        return Done()

    def announce(self) -> None:
        """While everybody waits, words about every attempt that was ever made, true or not."""
        for row in self.world.rows(ATTEMPTS):
            with self.world.postgres.transaction() as tx:
                self.jobs.wake(tx, row["job_id"], row["attempt"])


@scenario("offload", needs=("aws",))
def offload(world: World) -> None:
    """Asked for in one commit; computed, checked, told; the survivors' announcements come at any time."""
    desk = Desk(world)
    world.ask(desk.ask)
    world.work({POLL: desk.poll, THEN: desk.take}, meanwhile=desk.announce)


@offload.preparation
def make_table_and_bucket(world: World) -> None:
    """The business of this scenario is one table."""
    world.rows(TABLE)
    world.rows(GRANT)
    s3 = world.aws_client("s3")
    if BUCKET not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


@offload.verdict
def one_right_result_each(world: World) -> None:
    """All or nothing was asked for; each job is completed by its newest attempt, and was told of once."""
    jobs, attempts = world.rows(JOBS), world.rows(ATTEMPTS)
    asked = [job["business_key"] for job in jobs]
    assert asked in ([], sorted(NUMBERS)), asked
    assert asked or not world.caller_returns
    assert [(row["key"], row["number"]) for row in world.rows(RESULTS)] == [(key, 2 * NUMBERS[key]) for key in asked]
    for job in jobs:
        mine = [one for one in attempts if one["job_id"] == job["id"]]
        assert job["state"] == "completed", job
        assert [one["attempt"] for one in mine] == list(range(1, job["attempt"] + 1)), mine
        assert [one["outcome"] == "completed" for one in mine] == [False] * (len(mine) - 1) + [True], mine
        assert all(one["outcome"] for one in mine), mine
        if job["business_key"] == "large":
            assert job["output_key"] == f"offload/{job['id']}/{job['attempt']}", job
            assert Desk(world).objects.get(job["output_key"], 100) == b"sdrawrof"
