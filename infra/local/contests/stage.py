"""A deployment of contests for a world: its keys sealed, its wallet with the treasury, and the handlers as they are.

stage = open_stage(cloud, runner, world, database_url=cloud.database_url)
stage.start()
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr

from functions.contests.adapters.life_steps import STEP
from functions.contests.adapters.wallets import KEY_PURPOSE
from functions.contests.wiring import ROLE
from infra.local.cloud import LocalCloud
from infra.local.contests.players import Player
from infra.local.contests.world import CHAIN, CLUSTER, World
from infra.local.demo.stage import SceneFailed
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.runner.warming import warm_with
from infra.local.treasury_stage import bring_messages_back_soon
from infra.local.wallet_books import WalletBooks, without_chains
from kernel.auth import ApiKeys, Role, Tier, Tokens
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.tasks import SqsSender, Tasks, TaskSpec
from kernel.tasks.messages import queue_of
from kernel.treasury.wallets import OperatorWallet

SERVICES: Final = ("contests", "ops")
SERVICE: Final = "contests"
TREASURY_PURPOSE: Final = "treasury"
ACTOR: Final = "the local world"
POLL_S: Final = 0.25
#: Found in moments by one processor; the usual ones take it minutes each.
VANITY: Final = '[{"letters": "DU", "place": "prefix", "is_case_sensitive": false, "target": 2}]'
#: What the fork server imports, so that containers start in milliseconds.
VENDORS: Final = (
    *("solders.pubkey", "solders.signature", "solders.message", "solders.transaction", "urllib3"),
    *("kernel.outbox.solana", "kernel.solana.pool", "kernel.treasury.solana", "kernel.keys.vault"),
    "kernel.failover",
)
WARM: Final = warm_with(SERVICE, VENDORS)

_START: Final = """
    update contests.contests set starts_at = now() + interval '1 second', ends_at = now() + %(length)s::interval
    where id = %(contest)s::uuid and state = 'pending'
"""
_END: Final = "update contests.contests set ends_at = now() where id = %(contest)s::uuid and state = 'active'"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContestsStage:
    """A deployment, stopped at first."""

    world: World
    stack: Stack
    cloud: LocalCloud
    database_url: str = field(repr=False)
    admin_key: str = field(repr=False)

    @property
    def books(self) -> WalletBooks:
        """Those of the fee payer."""
        wallets = {CHAIN: self.world.fee_payer.address}
        return WalletBooks(cloud=self.cloud, stack=self.stack, database_url=self.database_url, wallets=wallets)

    def start(self) -> None:
        """Start it, and wait until the treasury has opened the books."""
        self.stack.start()
        bring_messages_back_soon(self.cloud, self.stack)
        self.books.open()

    def session(self, player: Player) -> str:
        """A session of a player's, as signing in gives one."""
        secret = self.cloud.aws.secret(self.cloud.environment()["COUNTERPART_JWT_SECRET"])
        return Tokens(SecretStr(secret)).issue(f"solana:{player.address}", role=Role.VIEWER)

    def start_now(self, contest: str, *, length_s: int) -> None:
        """Bring a contest's start forward: on a machine of one's own nobody has to wait for it."""
        self._change(_START, contest=contest, length=f"{length_s} seconds")
        self.stack.fire("cron_open_contests")

    def end_now(self, contest: str) -> None:
        """The same with its end, once it runs."""
        self._change(_END, contest=contest)
        url = self.stack.queues["ContestsStepContestQueue"].url
        sender = SqsSender(url.removesuffix(queue_of(STEP)), self.cloud.aws.client("sqs"))
        postgres = Postgres(self.database_url, role=ROLE)
        spec = TaskSpec(
            kind=STEP,
            business_key=f"contests:{contest}:early-end",
            payload={"contest": contest},
            run_at=datetime.now(UTC),
        )
        Tasks(postgres, sender).enqueue([spec])
        postgres.close()

    def verdict(self) -> str:
        """Have the fee payer compared with the chain now; what came of it."""
        return self.books.verdicts()[CHAIN]

    def _change(self, sql: str, **params: Any) -> None:
        postgres = Postgres(self.database_url)
        with postgres.transaction() as tx:
            if tx.execute(sql, **params) != 1:
                raise SceneFailed(f"nothing to bring forward: {params}")
        postgres.close()


def open_stage(cloud: LocalCloud, runner: Runner, world: World, *, database_url: str, **settings: str) -> ContestsStage:
    """Seal the keys, declare the wallet, and make a stopped deployment; settings are the slice's, as POLL_S."""
    kms_key_id = cloud.environment()["COUNTERPART_KMS_KEY_ID"]
    _entrust(world, database_url, Envelope(AwsKms(cloud.aws.client("kms")), kms_key_id))
    postgres = Postgres(database_url, role="counterpart_ops")
    admin = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the demo", actor=ACTOR)
    postgres.close()
    stack = runner.stack("contests", _environment(cloud, world, database_url, settings), services=SERVICES)
    return ContestsStage(world=world, stack=stack, cloud=cloud, database_url=database_url, admin_key=admin.key)


def _entrust(world: World, database_url: str, envelope: Envelope) -> None:
    """The fee payer is the treasury's wallet; the faucet's key lies among those of contests."""
    postgres = Postgres(database_url)
    vault = Vault(postgres, envelope)
    vault.keep(world.fee_payer.seed, purpose=TREASURY_PURPOSE, chain=CHAIN, actor=ACTOR)
    vault.keep(world.faucet.seed, purpose=KEY_PURPOSE, chain=CHAIN, actor=ACTOR)
    wallet = OperatorWallet(service=SERVICE, chain=CHAIN, address=world.fee_payer.address, floor=0, target=0)
    without_chains(postgres).declare(wallet, actor=ACTOR, reason="pays fees on this machine")
    postgres.close()


def _environment(cloud: LocalCloud, world: World, database_url: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """What the functions are told beside what every function is told."""
    urls = cloud.aws.put_secret("counterpart/local/contests/rpc-urls", " ".join(world.node.proxy_urls))
    contests = {
        "CLUSTER": CLUSTER,
        "RPC_URLS": urls,
        "FEE_PAYER": world.fee_payer.address,
        "TREASURY_ADDRESS": world.treasury.address,
        "FAUCET": world.faucet.address,
        "JUPITER_URL": world.sources.jupiter_url,
        "DEXSCREENER_URL": world.sources.dexscreener_url,
        "ORACLE_FEEDS": "{}",
        "VANITY_PATTERNS": VANITY,
        "POLL_S": str(POLL_S),
        **settings,
    }
    chains = [{"chain": CHAIN, "rpc_urls": urls, "poll_s": POLL_S}]
    return {
        "COUNTERPART_DATABASE_URL": cloud.aws.put_secret("counterpart/local/contests/database-url", database_url),
        "COUNTERPART_OPS_CHAINS": json.dumps(chains),
        **{f"COUNTERPART_CONTESTS_{name}": value for name, value in contests.items()},
    }
