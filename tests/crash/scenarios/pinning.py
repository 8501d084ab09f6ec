"""What a slice pins: in the bucket before its row, with two services in the end, whoever dies between."""

from functools import cached_property

import httpx

from functions.ops.adapters.pinning import FilebaseSettings, PinataSettings
from functions.ops.wiring import ROLE, Deps, Settings
from infra.local.ipfs import FILEBASE, FILEBASE_BUCKET, FILEBASE_KEYS, PINATA, PINATA_JWT, Fault
from kernel.pinning import REPAIR_KIND, S3Store
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.world import World

BUCKET, KEY = "crash-pins", "contest-1/standings"


class Container:
    """One container: of the slice that pins, and of the one that makes the copies."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.control_url, self.pinata_url, self.filebase_url, *_ = world.site.urls["ipfs"]
        self.plain = b"standings of " + world.secret_of_run("contest").hex().encode() * 10

    @cached_property
    def deps(self) -> Deps:
        """As wiring.py builds them, over this world."""
        kernel = kernel_of(self.world, ROLE, key_id="none")
        kernel.settings = kernel.settings.model_copy(update={"pins_bucket": BUCKET, "pins_wanted": 2})
        kernel.content = S3Store(BUCKET, self.world.aws_client("s3"))
        pinata = PinataSettings(service="pinata", credentials=f"plain:{PINATA_JWT}", url=self.pinata_url)
        filebase = FilebaseSettings(
            service="filebase", credentials=f"plain:{FILEBASE_KEYS}", bucket=FILEBASE_BUCKET, url=self.filebase_url
        )
        return Deps(kernel, Settings(pinning=(pinata, filebase)))

    def ask(self) -> None:
        """What a slice does: the bytes, and then the row with the business that it belongs to."""
        pinning = self.deps.kernel.pinning
        kept = pinning.keep(self.plain, media_type="text/plain")
        with self.deps.kernel.postgres.transaction() as tx:
            pinning.record(tx, KEY, kept)

    def trouble(self, fault: Fault | None) -> None:
        """Let one service fail, or be well again."""
        if fault is None:
            httpx.delete(f"{self.control_url}/troubles").raise_for_status()
        else:
            told = {"fault": fault.value, "delay_s": 0.0}
            httpx.put(f"{self.control_url}/troubles/{PINATA}", json=told).raise_for_status()

    def held(self, door: str) -> list[str]:
        """The CIDs that a service holds."""
        cids: list[str] = httpx.get(f"{self.control_url}/held/{door}").raise_for_status().json()
        return cids


@scenario("pinning", needs=("aws", "ipfs"))
def pinning(world: World) -> None:
    """One service takes the content, and its answer is lost; it is well once everybody waits."""
    container = Container(world)
    world.ask(container.ask)
    world.once("Pinata's answers are lost", lambda: container.trouble(Fault.LOST))
    world.work(
        {REPAIR_KIND: Served(REPAIR_KIND, container.deps)},
        meanwhile=lambda: world.once("Pinata is well", lambda: container.trouble(None)),
    )


@pinning.beginning
def empty(world: World) -> None:
    """Neither the bucket nor the services are restored."""
    container = Container(world)
    httpx.delete(f"{container.control_url}/held").raise_for_status()
    container.trouble(None)
    s3 = world.aws_client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for there in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=there["Key"])


@pinning.verdict
def held_by_all_or_never_asked(world: World) -> None:
    """A committed pin is in the bucket and with both services, under one CID; without a commit there is none."""
    container = Container(world)
    rows = world.rows("select cid, state, confirmed from kernel.pins")
    assert len(rows) == 1 or (not rows and not world.caller_returns), rows
    for row in rows:
        assert (row["state"], sorted(row["confirmed"])) == ("pinned", [FILEBASE, PINATA]), row
        assert container.held(PINATA) == container.held(FILEBASE) == [row["cid"]], row
        assert container.deps.kernel.pinning.read(KEY).plain == container.plain
    if not rows:
        assert container.held(PINATA) == container.held(FILEBASE) == []
