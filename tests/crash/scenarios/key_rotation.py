"""The rotation of the wrapping key, while the keys under it are signed with: no key is ever lost or half moved."""

from functools import cached_property
from typing import Any

from kernel.hashes import keccak256
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.tasks import Done, Outcome, Retry, TaskSpec
from kernel.tasks.model import Task
from tests.crash.harness.scenario import scenario
from tests.crash.harness.site import START
from tests.crash.harness.world import World

KIND, CHAIN, PURPOSE = "ops.rotate", "evm:31337", "treasury"
OLD, NEW = "alias/crash-old", "alias/crash-new"
KEYS = 3
ROWS = "select address, kms_key_id, version from kernel.sealed_keys order by address"


class Keeper:
    """A vault whose wrapping key moves from the old to the new one."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def kms(self) -> Any:
        """A client of the key service."""
        return self.world.aws_client("kms")

    def vault(self, key: str) -> Vault:
        """The vault that seals under this key."""
        return Vault(self.world.postgres, Envelope(AwsKms(self.kms), key), self.world.clock)

    def make_key(self, alias: str) -> None:
        """A wrapping key under a name, unless an earlier campaign made it."""
        known = {one["AliasName"] for one in self.kms.list_aliases()["Aliases"]}
        if alias not in known:
            key = self.kms.create_key()["KeyMetadata"]["KeyId"]
            self.kms.create_alias(AliasName=alias, TargetKeyId=key)

    def ask(self) -> None:
        """One task that rotates until nothing is left."""
        self.world.tasks.enqueue([TaskSpec(kind=KIND, business_key="rotate", payload={}, run_at=START)])

    def rotate(self, _: Task[dict[str, Any]]) -> Outcome:
        """One key at a time, and a signature with each between two of them."""
        rotated = self.vault(NEW).rotate(1)
        self.sign_with_all()
        return Retry(1.0, f"{rotated.left} left") if rotated.left else Done()

    def sign_with_all(self) -> None:
        """Every kept key opens, and signs for its own address (or the signer raises)."""
        for key in self.vault(NEW).kept():
            self.vault(NEW).evm_signer(key.address, purpose=PURPOSE, chain=CHAIN).sign_digest(keccak256(b"alive"))


@scenario("key-rotation", needs=("aws",))
def key_rotation(world: World) -> None:
    """Three keys move under a new wrapping key."""
    keeper = Keeper(world)
    world.ask(keeper.ask)
    world.work({KIND: keeper.rotate})


@key_rotation.preparation
def keep_three_keys(world: World) -> None:
    """All under the old one."""
    keeper = Keeper(world)
    for alias in (OLD, NEW):
        keeper.make_key(alias)
    for number in range(KEYS):
        keeper.vault(OLD).keep(world.secret(f"key {number}"), actor="a test", purpose=PURPOSE, chain=CHAIN)


@key_rotation.verdict
def all_moved_and_all_sign(world: World) -> None:
    """Each key lies under the new one, was moved once, and still signs; or nobody ever asked."""
    keeper = Keeper(world)
    keeper.sign_with_all()
    rows = world.rows(ROWS)
    asked = bool(world.rows("select 1 as asked from kernel.tasks"))
    assert asked or not world.caller_returns
    assert len(rows) == KEYS, rows
    wanted = keeper.kms.describe_key(KeyId=NEW if asked else OLD)["KeyMetadata"]["KeyId"]
    assert {row["kms_key_id"].rpartition("/")[2] for row in rows} == {wanted}, rows
    assert len({row["version"] for row in rows}) == 1, rows
