"""Contests' wallets: made, found elsewhere, and given away; each to one contest, its key in the vault with it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from functions.contests.adapters.vanity_pool import COLLECT
from functions.contests.adapters.wallet_steps import ASSIGN, assignment
from functions.contests.wiring import ROLE, VANITY_ROLE, WALLETS_ROLE, KeyDeps, Settings
from gpu import catalogue
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.offload import Offload, Place
from kernel.offload.jobs import PollOffload
from kernel.offload.providers import InProcess
from kernel.offload.rates import DEFAULTS
from kernel.tasks import Outcome
from kernel.tasks.model import Task
from kernel.testing import InMemoryObjects
from tests.crash.harness.scenario import scenario
from tests.crash.harness.serving import Served, kernel_of
from tests.crash.harness.site import START
from tests.crash.harness.world import World

POLL, KEY, CHAIN = "ops.poll_offload", "alias/crash-contests", "solana:localnet"
PATTERN = '[{"letters": "z", "place": "suffix", "is_case_sensitive": true, "target": 1}]'
CONTESTS: Final = [UUID(int=(7 << 76) + (2 << 62) + number) for number in range(3)]
CONTEST: Final = """
    insert into contests.contests (id, name, fee_lamports, entrants_min, entrants_max, starts_at, ends_at, stake_micros,
                                   shares_bps, rake_bps, created_at, moved_at)
    values (%(id)s, 'duel', 100, 2, 10, %(now)s, %(now)s + interval '1 hour', 1, '{10000}', 0, %(now)s, %(now)s)
    on conflict do nothing
"""
GIVEN = "select id, wallet from contests.contests order by id"
WALLETS = "select address, origin, contest_id from contests.contest_wallets"
POOL = "select address, contest_id from contests.vanity_pool"
SEARCHES = "select state, opening from contests.vanity_jobs"
KEYS = "select address from kernel.sealed_keys"


class Keeper:
    """The containers that make wallets, look for vanity addresses and give both away."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings(
            cluster="localnet", rpc_urls="plain:http://unused", fee_payer="1" * 32, vanity_patterns=PATTERN
        )

    def deps(self, role: str) -> KeyDeps:
        """A container under its own database role."""
        return KeyDeps(kernel_of(self.world, role, key_id=KEY), self.settings)

    def stock_up(self) -> None:
        """What the schedules do."""
        self.deps(WALLETS_ROLE).wallets.stock_up(free=1, test=0)
        self.deps(VANITY_ROLE).vanity_pool.top_up()

    def announce(self) -> None:
        """Three contests, each with the task that gives it a wallet, in one commit."""
        with self.deps(ROLE).kernel.postgres.transaction() as tx:
            for contest in CONTESTS:
                tx.execute(CONTEST, id=contest, now=START)
            self.world.tasks.enqueue([assignment(contest, START) for contest in CONTESTS], tx)

    @cached_property
    def offload(self) -> Offload:
        """Those who try keys: this process."""
        world, objects = self.world, InMemoryObjects()
        here = {Place.IN_PROCESS: InProcess(catalogue.find, objects)}
        return Offload(world.postgres, world.tasks, objects, here, world.clock, rates=lambda: DEFAULTS)

    def poll(self, task: Task[dict[str, Any]]) -> Outcome:
        """What queue_poll_offload does."""
        job = PollOffload(UUID(str(task.payload["job_id"])))
        return self.offload.advance(job.job_id, task.fence, catalogue.problem_of)

    def queues(self) -> Mapping[str, Any]:
        """Who takes which messages."""
        return {
            POLL: self.poll,
            COLLECT: Served(COLLECT, self.deps(VANITY_ROLE)),
            ASSIGN: Served(ASSIGN, self.deps(WALLETS_ROLE)),
        }


@scenario("contests-wallets", needs=("aws",), shares=2)
def contests_wallets(world: World) -> None:
    """One wallet waits, one address is searched for, and three contests want one."""
    keeper = Keeper(world)
    keeper.stock_up()
    world.work(keeper.queues())
    world.ask(keeper.announce)
    world.work(keeper.queues())


@contests_wallets.preparation
def make_wrapping_key(world: World) -> None:
    """A wrapping key under a name, unless an earlier campaign made it."""
    kms = world.aws_client("kms")
    if KEY not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}:
        kms.create_alias(AliasName=KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


@contests_wallets.verdict
def each_contest_has_a_wallet_of_its_own(world: World) -> None:
    """No address twice, none without its key and no key without its address; what has ended can be opened by nobody."""
    given, wallets, pool = world.rows(GIVEN), world.rows(WALLETS), world.rows(POOL)
    assert len(given) in {0, len(CONTESTS)}, given
    assert given or not world.caller_returns
    named = [row["wallet"] for row in given]
    assert None not in named, given
    assert len(set(named)) == len(named), given
    assert {row["wallet"]: row["id"] for row in given} == {
        row["address"]: row["contest_id"] for row in wallets if row["contest_id"]
    }, wallets
    assert {row["address"]: row["contest_id"] for row in pool if row["contest_id"]} == {
        row["address"]: row["contest_id"] for row in wallets if row["origin"] == "vanity"
    }, pool
    keys = [row["address"] for row in world.rows(KEYS)]
    assert sorted(keys) == sorted({row["address"] for row in (*wallets, *pool)}), (keys, wallets, pool)
    assert {(row["state"], row["opening"]) for row in world.rows(SEARCHES)} <= {("completed", None)}
    vault = Vault(world.postgres, Envelope(AwsKms(world.aws_client("kms")), KEY), world.clock)
    for address in keys:
        vault.solana_signer(address, purpose="contests", chain=CHAIN).sign_message(b"alive")
