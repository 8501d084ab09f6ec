"""A deployment of barter for a chain: its database, its sealed key, its settler's wallet, and the handlers as they are.

stage = open_stage(cloud, runner, "direct", node, mode="direct", database_url=cloud.database_url)
stage.start()
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from functions.ops.adapters.chains import KEY_PURPOSE
from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.flare.accounts import ETHER, DevAccount, dev_account
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

SERVICE: Final = "barter"
SERVICES: Final = ("barter", "ops")
ACTOR: Final = "the local world"
CONFIRMATIONS: Final = 2
POLL_S: Final = 0.5
SETTLER_ETHER: Final = 100
_COMPUTING: Final = """
    select exists (select from kernel.tasks where kind = 'ops.poll_offload' and state = 'leased') as computing
"""
#: What the fork server imports, so that containers start in milliseconds.
VENDORS: Final = ("kernel.outbox.evm", "kernel.evm.log_cursor", "kernel.treasury.evm", "kernel.keys.vault")
WARM: Final = warm_with(SERVICE, VENDORS)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BarterStage:
    """A deployment, stopped at first. key: an administrator's."""

    node: AnvilNode
    stack: Stack
    cloud: LocalCloud
    settler: DevAccount
    database_url: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def chain(self) -> str:
        """The chain as the treasury names it."""
        return f"evm:{self.node.chain_id}"

    @property
    def books(self) -> WalletBooks:
        """Those of the settler's wallet."""
        wallets = {self.chain: self.settler.address}
        return WalletBooks(cloud=self.cloud, stack=self.stack, database_url=self.database_url, wallets=wallets)

    def start(self) -> None:
        """Start it, and wait until the treasury has opened the books."""
        self.stack.start()
        bring_messages_back_soon(self.cloud, self.stack)
        self.books.open()

    def verdict(self) -> str:
        """Have the settler's wallet compared with the chain now; what came of it."""
        return self.books.verdicts()[self.chain]

    def is_computing(self) -> bool:
        """Whether somebody computes a proof at this moment."""
        postgres = Postgres(self.database_url)
        try:
            with postgres.transaction() as tx:
                return bool(tx.one(_COMPUTING)["computing"])
        finally:
            postgres.close()


def open_stage(
    cloud: LocalCloud,
    runner: Runner,
    name: str,
    node: AnvilNode,
    *,
    mode: str,
    database_url: str,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> BarterStage:
    """Fund and seal the settler of a deployment of this name, and make it, stopped.

    node: under two RPC identities. environment: what the functions are told besides.
    """
    settler, chain = dev_account(SERVICE, f"settler {name}"), f"evm:{node.chain_id}"
    node.rpc("anvil_setBalance", settler.address, hex(SETTLER_ETHER * ETHER))
    postgres = Postgres(database_url, role="counterpart_ops")
    try:
        vault = Vault(
            postgres, Envelope(AwsKms(cloud.aws.client("kms")), cloud.environment()["COUNTERPART_KMS_KEY_ID"])
        )
        vault.keep(settler.private_key, purpose=KEY_PURPOSE, chain=chain, actor=ACTOR)
        wallet = OperatorWallet(service=SERVICE, chain=chain, address=settler.address, floor=0, target=0)
        without_chains(postgres).declare(wallet, actor=ACTOR, reason="the settler of these exchanges")
        key = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the demo", actor=ACTOR).key
    finally:
        postgres.close()
    told = {**_environment(cloud, name, node, settler, mode, database_url), **environment}
    stack = runner.stack(f"{SERVICE}-{name}", told, services=SERVICES)
    return BarterStage(node=node, stack=stack, cloud=cloud, settler=settler, database_url=database_url, key=key)


def _environment(
    cloud: LocalCloud, name: str, node: AnvilNode, settler: DevAccount, mode: str, database_url: str
) -> dict[str, str]:
    """What the functions are told beside what every function is told."""
    place = f"counterpart/local/{SERVICE}-{name}"
    urls = cloud.aws.put_secret(f"{place}/rpc-urls", " ".join(node.proxy_urls))
    barter: dict[str, Any] = {
        "CHAIN_ID": node.chain_id,
        "RPC_URLS": urls,
        "CONFIRMATIONS": CONFIRMATIONS,
        "POLL_S": POLL_S,
        "MODE": mode,
        "SETTLER": settler.address,
    }
    chains = [{"chain": f"evm:{node.chain_id}", "rpc_urls": urls, "confirmations": CONFIRMATIONS}]
    return {
        "COUNTERPART_DATABASE_URL": cloud.aws.put_secret(f"{place}/database-url", database_url),
        "COUNTERPART_OPS_CHAINS": json.dumps(chains),
        **{f"COUNTERPART_BARTER_{field}": str(value) for field, value in barter.items()},
    }
