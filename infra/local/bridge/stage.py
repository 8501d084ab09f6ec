"""A deployment of the bridge for one target: its database, its sealed key, its wallets, and the handlers as they are.

stage = open_stage(cloud, runner, "bridge", target, check(target), database_url=cloud.database_url)
stage.start()

The schedules of production fire once a minute. Here there are no webhooks beside them, so they fire more often.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.ops.adapters.chains import KEY_PURPOSE
from infra.local.bridge.target import Found, Target
from infra.local.cloud import LocalCloud
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.runner.warming import warm_with
from infra.local.treasury_stage import bring_messages_back_soon
from infra.local.wallet_books import WalletBooks, without_chains
from kernel.auth import ApiKeys, Role, Tier
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.treasury.wallets import OperatorWallet

SERVICE: Final = "bridge"
ORIGIN: Final = "zksync"
SERVICES: Final = ("bridge", "ops")
ACTOR: Final = "shell"
#: Schedule -> seconds between two firings.
TURNS: Final[Mapping[str, float]] = {
    "cron_index_orders": 1.0,
    "cron_accepted_orders": 10.0,
    "cron_retry_failed": 5.0,
    "cron_sweep_tasks": 1.0,
}
_FORGET_KEY: Final = """
    delete from kernel.sealed_keys where purpose = %(purpose)s and chain = %(chain)s and address = %(address)s
"""
_SEND_AGAIN: Final = """
    update kernel.tasks set sweep_at = coalesce(lease_until, run_at) where state in ('ready', 'leased')
"""
#: What the fork server imports, so that containers start in milliseconds.
VENDORS: Final = ("kernel.outbox.evm", "kernel.evm.log_cursor", "kernel.treasury.evm", "kernel.keys.vault")
WARM: Final = warm_with(SERVICE, VENDORS, without=("starknet",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a deployment looks, and how long it gathers claims and waits for a message, in seconds."""

    claim_every_s: int = 15
    close_every_s: float = 3.0
    poll_s: float = 1.0
    message_timeout_s: float = 1_800.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BridgeStage:
    """A deployment, stopped at first. wallets: by chain, what the treasury keeps the books of."""

    target: Target
    stack: Stack
    cloud: LocalCloud
    database_url: str
    wallets: Mapping[str, str]
    admin_key: str = field(repr=False)

    @property
    def books(self) -> WalletBooks:
        """Those of its wallets."""
        return WalletBooks(cloud=self.cloud, stack=self.stack, database_url=self.database_url, wallets=self.wallets)

    def start(self) -> None:
        """Start it, and wait until the treasury has opened the books."""
        self.stack.start()
        bring_messages_back_soon(self.cloud, self.stack)
        self.books.open()


def open_stage(
    cloud: LocalCloud,
    runner: Runner,
    name: str,
    target: Target,
    found: Found,
    *,
    database_url: str,
    pace: Pace | None = None,
) -> BridgeStage:
    """Seal the target's key, declare its wallets, and make a stopped deployment of its own name in this database.

    found: what `target.check` says of it.
    """
    kms_key_id = cloud.environment()["COUNTERPART_KMS_KEY_ID"]
    l1, l2 = f"evm:{target.l1.chain_id}", f"evm:{target.l2.chain_id}"
    wallets = {l1: target.signer, l2: target.account}
    begin_anew(database_url, l1, target.signer)
    postgres = Postgres(database_url, role="counterpart_ops")
    try:
        vault = Vault(postgres, Envelope(AwsKms(cloud.aws.client("kms")), kms_key_id))
        vault.keep(target.private_key, purpose=KEY_PURPOSE, chain=l1, actor=ACTOR)
        for chain, address in wallets.items():
            wallet = OperatorWallet(service=SERVICE, chain=chain, address=address, floor=0, target=0)
            without_chains(postgres).declare(wallet, actor=ACTOR, reason="the worker of this bridge")
        admin = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the worker", actor=ACTOR)
    finally:
        postgres.close()
    stack = runner.stack(
        name, _environment(cloud, name, target, found, pace or Pace(), database_url), services=SERVICES
    )
    return BridgeStage(
        target=target, stack=stack, cloud=cloud, database_url=database_url, wallets=wallets, admin_key=admin.key
    )


def begin_anew(database_url: str, chain: str, address: str) -> None:
    """Forget what only an earlier run could use, where a database outlived it: its key service and its queues are gone.

    So nobody can open the key that it sealed, and nobody will deliver the messages that it sent.
    """
    postgres = Postgres(database_url)
    with postgres.transaction() as tx:
        tx.execute(_FORGET_KEY, purpose=KEY_PURPOSE, chain=chain, address=address)
        tx.execute(_SEND_AGAIN)
    postgres.close()


def _environment(
    cloud: LocalCloud, name: str, target: Target, found: Found, pace: Pace, database_url: str
) -> dict[str, str]:
    """What the functions are told beside what every function is told."""
    put, l1, l2 = cloud.aws.put_secret, target.l1, target.l2
    l1_urls, l2_urls = (put(f"counterpart/local/{name}/{side.name}", " ".join(side.urls)) for side in (l1, l2))
    origin = {
        "kind": "zksync",
        "name": ORIGIN,
        "rpc_urls": l2_urls,
        "chain_id": l2.chain_id,
        "escrow": l2.contract,
        "start_block": target.start_block,
        "account": target.account,
        "confirmations": target.l2_confirmations,
        "block_s": found.block_s,
        "finality_s": found.finality_s,
    }
    bridge: dict[str, Any] = {
        "L1_CHAIN_ID": l1.chain_id,
        "L1_RPC_URLS": l1_urls,
        "L1_CONFIRMATIONS": target.confirmations,
        "L1_POLL_S": pace.poll_s,
        "REGISTRY_ADDRESS": l1.contract,
        "REGISTRY_VERSION": target.version.value,
        "SIGNER": target.signer,
        "ORIGINS": json.dumps([origin]),
        "CLAIM_EVERY_S": pace.claim_every_s,
        "CLOSE_EVERY_S": pace.close_every_s,
        "MESSAGE_TIMEOUT_S": pace.message_timeout_s,
    }
    chains = [
        {"chain": f"evm:{l1.chain_id}", "rpc_urls": l1_urls, "confirmations": target.confirmations},
        {"chain": f"evm:{l2.chain_id}", "rpc_urls": l2_urls, "confirmations": target.l2_confirmations},
    ]
    return {
        "COUNTERPART_DATABASE_URL": put(f"counterpart/local/{name}/database-url", database_url),
        "COUNTERPART_OPS_CHAINS": json.dumps(chains),
        **{f"COUNTERPART_BRIDGE_{field}": str(value) for field, value in bridge.items() if value is not None},
    }
