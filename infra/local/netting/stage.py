"""A deployment of netting for a world: its key and wallet, what is known of the world, and the handlers as they are.

stage = open_stage(cloud, runner, world)
stage.start()
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.netting.adapters.limits import TUNABLES
from infra.local.cloud import LocalCloud
from infra.local.netting.permits import CLUSTER
from infra.local.netting.records import CHAIN, record
from infra.local.netting.world import World
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.runner.warming import warm_with
from infra.local.treasury_stage import bring_messages_back_soon
from infra.local.wallet_books import WalletBooks
from kernel.auth import ApiKeys, Role, Tier
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.postgres import Postgres
from kernel.tunables import Tunables

SERVICES: Final = ("netting", "ops")
ACTOR: Final = "the local world"
POLL_S: Final = 0.25
#: What the fork server imports, so that containers start in milliseconds.
VENDORS: Final = (
    *("solders.pubkey", "solders.signature", "solders.message", "solders.transaction"),
    *("kernel.outbox.solana", "kernel.solana.pool", "kernel.solana.program_cursor", "kernel.treasury.solana"),
    *("kernel.keys.vault", "kernel.pinning"),
)
WARM: Final = warm_with("netting", VENDORS)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NettingStage:
    """A deployment, stopped at first."""

    world: World
    stack: Stack
    cloud: LocalCloud
    database_url: str = field(repr=False)
    admin_key: str = field(repr=False)

    @property
    def books(self) -> WalletBooks:
        """Those of the authority's wallet."""
        wallets = {CHAIN: self.world.authority.address}
        return WalletBooks(cloud=self.cloud, stack=self.stack, database_url=self.database_url, wallets=wallets)

    def start(self) -> None:
        """Start it, and wait until the treasury has opened the books."""
        self.stack.start()
        bring_messages_back_soon(self.cloud, self.stack)
        self.books.open()

    def verdict(self) -> str:
        """Have the authority's wallet compared with the chain now; what came of it."""
        return self.books.verdicts()[CHAIN]

    def tune(self, name: str, value: int) -> None:
        """An operator's act: another threshold."""
        postgres = Postgres(self.database_url, role="counterpart_ops")
        Tunables(postgres, TUNABLES).set(name, value, actor=ACTOR, reason="the demo is short")
        postgres.close()


def open_stage(cloud: LocalCloud, runner: Runner, world: World, *, database_url: str, fee_bps: int = 0) -> NettingStage:
    """Record the world as it is, and make a stopped deployment that follows it from here on."""
    kms_key_id = cloud.environment()["COUNTERPART_KMS_KEY_ID"]
    record(world, database_url, Envelope(AwsKms(cloud.aws.client("kms")), kms_key_id))
    postgres = Postgres(database_url, role="counterpart_ops")
    admin = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the demo", actor=ACTOR)
    postgres.close()
    stack = runner.stack("netting", _environment(cloud, world, database_url, fee_bps), services=SERVICES)
    return NettingStage(world=world, stack=stack, cloud=cloud, database_url=database_url, admin_key=admin.key)


def _environment(cloud: LocalCloud, world: World, database_url: str, fee_bps: int) -> Mapping[str, str]:
    """What the functions are told beside what every function is told."""
    urls = cloud.aws.put_secret("counterpart/local/netting/rpc-urls", " ".join(world.node.proxy_urls))
    [last] = world.node.rpc("getSignaturesForAddress", world.program.address, {"limit": 1})
    netting = {
        "CLUSTER": CLUSTER,
        "RPC_URLS": urls,
        "PROGRAM": world.program.address,
        "AUTHORITY": world.authority.address,
        "START_AFTER": last["signature"],
        "FEE_BPS": str(fee_bps),
        "FEE_WALLET": world.fee_wallet.address,
        "POLL_S": str(POLL_S),
    }
    chains = [{"chain": CHAIN, "rpc_urls": urls, "poll_s": POLL_S}]
    return {
        "COUNTERPART_DATABASE_URL": cloud.aws.put_secret("counterpart/local/netting/database-url", database_url),
        "COUNTERPART_OPS_CHAINS": json.dumps(chains),
        **{f"COUNTERPART_NETTING_{name}": value for name, value in netting.items()},
    }
