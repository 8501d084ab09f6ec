"""The treasury's world on one machine: an EVM chain, a Solana chain, and one deployment of the ops slice over both.

with LocalCloud() as cloud, Runner(cloud.environment(), children=cloud.children) as runner:
    stage = open_stage(cloud, runner)
    stage.start()
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from functions.ops.adapters.chains import KEY_PURPOSE
from functions.ops.adapters.wallet_checks import KIND as CHECK_KIND
from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.fault_proxy import FaultProxy
from infra.local.flare.accounts import ETHER, dev_account
from infra.local.runner.runner import Runner
from infra.local.runner.stack import Stack
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel.auth import ApiKeys, Role, Tier
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.solana import LocalSolanaSigner
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.tasks import SqsSender, Tasks, TaskSpec
from kernel.tasks.messages import queue_of

SERVICE = "bridge"
EVM_CHAIN_ID, CLUSTER = 31337, "localnet"
BLOCK_TIME_S, CONFIRMATIONS, POLL_S = 1, 2, 2
WALLET_ETHER, WALLET_SOL = 1_000, 1_000
#: Production gives the message of a dead worker back after six time-outs of its function; here it is one lease.
MESSAGE_BACK_S = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One chain with the treasury's wallet on it, seen past every fault."""

    name: str
    chain: str
    unit: str
    node: AnvilNode | SolanaNode = field(repr=False)
    wallet: str
    opening: int
    #: How the node calls the sending of a transaction.
    send_method: str
    balance: Callable[[str], int] = field(repr=False)
    recipient: Callable[[int], str] = field(repr=False)
    amount: Callable[[int], int] = field(repr=False)

    @property
    def proxy(self) -> FaultProxy:
        """The two RPC identities."""
        assert self.node.proxy is not None
        return self.node.proxy


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TreasuryStage:
    """The deployment, who may use it, and the chains."""

    stack: Stack
    cloud: LocalCloud
    admin_key: str = field(repr=False)
    markets: tuple[Market, ...]

    @property
    def database_url(self) -> str:
        """Where the treasury's tables are."""
        return self.cloud.database_url

    def check_wallets(self, occasion: str) -> None:
        """Have every wallet compared with its chain now, beside the checks of the minute."""
        wallets = [(market.chain, market.wallet) for market in self.markets]
        check_wallets(self.cloud, self.stack, self.database_url, wallets, occasion)

    def start(self) -> None:
        """Start the deployment."""
        self.stack.start()
        bring_messages_back_soon(self.cloud, self.stack)


def bring_messages_back_soon(cloud: LocalCloud, stack: Stack) -> None:
    """Have what a dead worker held delivered again after a lease."""
    client = cloud.aws.client("sqs")
    for queue in stack.queues.values():
        client.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": str(MESSAGE_BACK_S)})


def check_wallets(
    cloud: LocalCloud, stack: Stack, database_url: str, wallets: Iterable[tuple[str, str]], occasion: str
) -> None:
    """Have wallets, by chain and address, compared with their chains now, beside the checks of the minute."""
    url = stack.queues["OpsCheckWalletQueue"].url
    sender = SqsSender(url.removesuffix(queue_of(CHECK_KIND)), cloud.aws.client("sqs"))
    postgres = Postgres(database_url, role="counterpart_ops")
    Tasks(postgres, sender).enqueue(
        [
            TaskSpec(
                kind=CHECK_KIND,
                business_key=f"{chain}/{address}/{occasion}",
                payload={"chain": chain, "address": address},
                run_at=datetime.now(UTC),
            )
            for chain, address in wallets
        ]
    )
    postgres.close()


def open_stage(cloud: LocalCloud, runner: Runner, **environment: str) -> TreasuryStage:
    """Start both chains, fund and seal a wallet on each, and make a stopped deployment of the ops slice.

    environment: what its functions are told besides the chains.
    """
    with ThreadPoolExecutor(2) as pool:
        evm = pool.submit(cloud.anvil, "evm", chain_id=EVM_CHAIN_ID, block_time_s=BLOCK_TIME_S)
        solana = pool.submit(cloud.solana)
    kms_key_id = cloud.environment()["COUNTERPART_KMS_KEY_ID"]
    postgres = Postgres(cloud.database_url, role="counterpart_ops")
    vault = Vault(postgres, Envelope(AwsKms(cloud.aws.client("kms")), kms_key_id))
    markets = (_evm_market(evm.result(), vault), _solana_market(solana.result(), vault))
    admin = ApiKeys(postgres).issue(tier=Tier.ADMIN, role=Role.ADMIN, label="the demo", actor="demo")
    postgres.close()
    told = {"COUNTERPART_OPS_CHAINS": _settings(cloud, markets), **environment}
    stack = runner.stack("treasury", told, services=("ops",))
    return TreasuryStage(stack=stack, cloud=cloud, admin_key=admin.key, markets=markets)


def _settings(cloud: LocalCloud, markets: Sequence[Market]) -> str:
    """COUNTERPART_OPS_CHAINS: each chain under its two RPC identities."""
    evm, solana = (
        cloud.aws.put_secret(f"counterpart/local/ops/rpc-urls/{market.name}", " ".join(market.proxy.urls))
        for market in markets
    )
    settings: list[Mapping[str, Any]] = [
        {"chain": f"evm:{EVM_CHAIN_ID}", "rpc_urls": evm, "confirmations": CONFIRMATIONS, "poll_s": POLL_S},
        {"chain": f"solana:{CLUSTER}", "rpc_urls": solana, "poll_s": POLL_S},
    ]
    return json.dumps(settings)


def _evm_market(node: AnvilNode, vault: Vault) -> Market:
    key = dev_account("treasury", "wallet").private_key
    chain = f"evm:{node.chain_id}"
    wallet = vault.keep(key, purpose=KEY_PURPOSE, chain=chain, actor="demo")
    node.rpc("anvil_setBalance", wallet, hex(WALLET_ETHER * ETHER))
    return Market(
        name="EVM",
        chain=chain,
        unit="wei",
        node=node,
        wallet=wallet,
        opening=WALLET_ETHER * ETHER,
        send_method="eth_sendRawTransaction",
        balance=lambda address: int(node.rpc("eth_getBalance", address, "latest"), 16),
        recipient=lambda number: dev_account("treasury", f"recipient {number}").address,
        amount=lambda number: ETHER // 10 + number,
    )


def _solana_market(node: SolanaNode, vault: Vault) -> Market:
    chain = f"solana:{CLUSTER}"
    wallet = vault.keep(_solana_key("wallet"), purpose=KEY_PURPOSE, chain=chain, actor="demo")
    node.fund(wallet, WALLET_SOL * LAMPORTS_PER_SOL)
    return Market(
        name="Solana",
        chain=chain,
        unit="lamports",
        node=node,
        wallet=wallet,
        opening=WALLET_SOL * LAMPORTS_PER_SOL,
        send_method="sendTransaction",
        balance=lambda address: node.balance(address, "finalized"),
        recipient=lambda number: LocalSolanaSigner(_solana_key(f"recipient {number}")).address,
        amount=lambda number: LAMPORTS_PER_SOL // 100 + number,
    )


def _solana_key(role: str) -> bytes:
    return sha256(f"counterpart development key\ntreasury\n{role}".encode()).digest()
