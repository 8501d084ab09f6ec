"""Deploys a world: each chain's contracts in one block, their addresses known before from the deployer's nonce."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from functions.bridge.core.registry import Version
from functions.bridge.core.starknet import CLAIM_PAYMENT_HANDLER
from infra.local import anvil
from infra.local.anvil import AnvilNode
from infra.local.bridge.world import Generation, World
from infra.local.children import Children
from infra.local.evm_reading import ask
from infra.local.flare.accounts import ETHER, DevAccount, dev_account
from infra.local.flare.contracts import Contract, artifact
from infra.local.flare.deployment import created_address
from infra.local.flare.node import Node
from infra.local.flare.transactions import Sender, Transaction

SEED: Final = "bridge"
L1_CHAIN_ID, L2_CHAIN_ID = 31337, 31338
USERS: Final = 20
DEPLOYER_WEI: Final = 1_000 * ETHER
USER_WEI: Final = 100_000 * ETHER
MARKET_MAKER_WEI: Final = 1_000 * ETHER
L2_GAS_PRICE_WEI: Final = 250_000_000
#: No escrow is there: nothing local carries what is sent to it.
STARKNET_ESCROW: Final = 0x57A4C
REGISTRIES: Final = {Version.V1: "PaymentRegistryV1", Version.V2: "PaymentRegistryV2"}


class WorldExists(Exception):
    """The chains have a bridge already; deploy on fresh ones."""


def start_world(
    children: Children,
    *,
    l1_block_time_s: float | None = None,
    l2_block_time_s: float | None = None,
    name: str = "bridge",
    **options: Any,
) -> World:
    """Start both chains and deploy (0.5 s); options as of `infra.local.anvil.start`, for both."""
    times = {"l1": (L1_CHAIN_ID, l1_block_time_s), "l2": (L2_CHAIN_ID, l2_block_time_s)}
    with ThreadPoolExecutor(len(times)) as pool:
        l1, l2 = pool.map(
            lambda one: anvil.start(
                children, name=f"{name}-{one}", chain_id=times[one][0], block_time_s=times[one][1], **options
            ),
            times,
        )
    return deploy_world(l1, l2)


def deploy_world(l1: AnvilNode, l2: AnvilNode) -> World:
    """Deploy everything on two chains and fund everybody. WorldExists where it is there already."""
    deployer = dev_account(SEED, "deployer")
    users = tuple(dev_account(SEED, f"user {number}") for number in range(USERS))
    makers = {version: dev_account(SEED, f"market maker {version.value}") for version in Version}
    mailbox, starknet, v1, v2 = (created_address(deployer.address, nonce) for nonce in range(4))
    registries = {Version.V1: v1, Version.V2: v2}
    l1_block = _deploy(
        l1,
        deployer,
        {maker.address: MARKET_MAKER_WEI for maker in makers.values()},
        [
            ("ZkSyncMailbox", (L2_GAS_PRICE_WEI,)),
            ("StarknetCore", ()),
            *((REGISTRIES[version], (mailbox, starknet, makers[version].address)) for version in Version),
        ],
    )
    l2_block = _deploy(
        l2,
        deployer,
        {user.address: USER_WEI for user in users},
        [("Escrow", (registries[version], makers[version].address)) for version in Version],
    )
    generations = {
        version: Generation(
            version=version,
            registry=_contract(REGISTRIES[version], registries[version]),
            escrow=_contract("Escrow", created_address(deployer.address, nonce)),
            market_maker=makers[version],
        )
        for nonce, version in enumerate(Version)
    }
    _introduce(l1, deployer, list(generations.values()))
    return World(
        l1=l1,
        l2=l2,
        mailbox=_contract("ZkSyncMailbox", mailbox),
        starknet=_contract("StarknetCore", starknet),
        generations=MappingProxyType(generations),
        users=users,
        registry_block=l1_block,
        escrow_block=l2_block,
    )


def _deploy(
    node: AnvilNode,
    deployer: DevAccount,
    funds: Mapping[str, int],
    contracts: Sequence[tuple[str, tuple[Any, ...]]],
) -> int:
    """Fund addresses, then deploy these contracts with their arguments; the number of the first's block."""
    if int(node.rpc("eth_getTransactionCount", deployer.address, "latest"), 16) > 0:
        raise WorldExists(str(WorldExists.__doc__))
    for address, wei in {deployer.address: DEPLOYER_WEI, **funds}.items():
        node.rpc("anvil_setBalance", address, hex(wei))
    with _sender(node) as sender:
        receipts = sender.mine(
            [
                Transaction(
                    sender=deployer, to=None, data=_artifact(name).constructor(*arguments), note=f"deploying {name}"
                )
                for name, arguments in contracts
            ]
        )
    return int(receipts[0]["blockNumber"], 16)


def _introduce(l1: AnvilNode, deployer: DevAccount, generations: Sequence[Generation]) -> None:
    """Tell each registry its escrows."""
    with _sender(l1) as sender:
        sender.mine(
            [
                Transaction(
                    sender=deployer,
                    to=one.registry.address,
                    data=one.registry.data("setEscrows", one.escrow.address, STARKNET_ESCROW, CLAIM_PAYMENT_HANDLER),
                    note="naming the escrows",
                )
                for one in generations
            ]
        )
    assert all(ask(l1, one.registry, "zkSyncEscrow")[0] == one.escrow.address.lower() for one in generations)


@contextmanager
def _sender(node: AnvilNode) -> Iterator[Sender]:
    """Sends groups that are one block each; a node that mines by itself does not meanwhile."""
    mines_itself = bool(node.rpc("anvil_getAutomine"))
    if mines_itself:
        node.rpc("evm_setAutomine", False)
    try:
        with Node(node.url) as client:
            yield Sender(client, [_artifact(name) for name in REGISTRIES.values()])
    finally:
        if mines_itself:
            node.rpc("evm_setAutomine", True)


def _contract(name: str, address: str) -> Contract:
    return Contract(address, _artifact(name))


def _artifact(name: str) -> Any:
    return artifact(name, "bridge")
