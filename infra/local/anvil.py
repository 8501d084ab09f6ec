"""An EVM chain by anvil on a free loopback port, its time and its blocks under our control."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from infra.local import fault_proxy, loopback, ports, settings
from infra.local.children import Child, Children
from infra.local.failures import LocalFailure
from infra.local.fault_proxy import FaultProxy

PROGRAM = settings.ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


class AnvilMissing(LocalFailure):
    """anvil is not installed; run `npm ci --ignore-scripts`."""


class RpcRefused(Exception):
    """The node answered with a JSON-RPC error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')} (code {error.get('code')}, data {error.get('data')})")
        self.code = error.get("code")
        self.data = error.get("data")


@dataclass(frozen=True, slots=True, eq=False)
class AnvilNode:
    """A running node. `url` is the node itself, past every fault; `proxy` holds its RPC identities, if any."""

    name: str
    url: str
    chain_id: int
    child: Child
    proxy: FaultProxy | None = None

    @property
    def proxy_urls(self) -> tuple[str, ...]:
        """The URLs of its RPC identities; none without a proxy."""
        return () if self.proxy is None else self.proxy.urls

    @property
    def pid(self) -> int:
        """The process id of the node."""
        return self.child.pid

    @property
    def ws_url(self) -> str:
        """The node's WebSocket address."""
        return self.url.replace("http://", "ws://")

    def rpc(self, method: str, *params: object) -> Any:
        """Call the node directly, past every fault; RpcRefused when it answers with an error."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = loopback.request("POST", self.url, json=call, timeout=30.0).raise_for_status().json()
        if "error" in answer:
            raise RpcRefused(method, answer["error"])
        return answer["result"]

    def send(self, **transaction: str) -> str:
        """Send from an account that the node holds; its hash. In a block by then, where the node mines by itself."""
        hashed = str(self.rpc("eth_sendTransaction", transaction))
        self.catch_up()
        return hashed

    def catch_up(self) -> None:
        """Wait until what was sent is in a block, where the node mines by itself."""
        if self.rpc("anvil_getAutomine"):
            self.wait_until_mined()

    def wait_until_mined(self) -> None:
        """Wait until nothing that could be mined waits: a node that mines by itself answers before it has."""
        self.child.wait_until(lambda: bool(self.rpc("txpool_status")["pending"] == "0x0"))

    def mine(self, blocks: int = 1) -> None:
        """Mine `blocks` at once."""
        self.rpc("anvil_mine", hex(blocks))

    def block_number(self) -> int:
        """The height of the latest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def snapshot(self) -> str:
        """Remember the chain; `revert` goes back to it, once."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a remembered chain."""
        if self.rpc("evm_revert", snapshot) is not True:
            raise RpcRefused("evm_revert", {"message": f"unknown snapshot {snapshot}"})


def start(
    children: Children,
    *,
    name: str = "anvil",
    chain_id: int = 31337,
    block_time_s: float | None = None,
    slots_in_an_epoch: int = 1,
    accounts: int = 10,
    balance_ether: int = 1_000_000,
    port: int = 0,
    proxied: bool = False,
    extra: tuple[str, ...] = (),
) -> AnvilNode:
    """Start a node (0.1 s).

    block_time_s: None mines each transaction at once. slots_in_an_epoch: 1 keeps `safe` one and `finalized` two blocks
    behind `latest`, so that finality is something to wait for. proxied: also reachable under two RPC identities, each
    with faults of its own. extra: further arguments of anvil.
    """
    if not PROGRAM.exists():
        raise AnvilMissing(str(AnvilMissing.__doc__))
    port = ports.requested_port(port)
    command: list[str | Path] = [PROGRAM, "--quiet", "--host", ports.LOOPBACK, "--port", str(port)]
    command += ["--chain-id", str(chain_id)]
    command += ["--accounts", str(accounts), "--balance", str(balance_ether), "--threads", "1"]
    command += ["--slots-in-an-epoch", str(slots_in_an_epoch)]
    if block_time_s is not None:
        command += ["--block-time", str(block_time_s)]
    child = children.start(name, [*command, *extra])
    node = AnvilNode(name, f"http://{ports.LOOPBACK}:{port}", chain_id, child)
    child.wait_until(lambda: _answers(node))
    if not proxied:
        return node
    return replace(node, proxy=fault_proxy.start(children, node.url, name=f"{name}-proxy"))


def _answers(node: AnvilNode) -> bool:
    try:
        return int(node.rpc("eth_chainId"), 16) == node.chain_id
    except httpx.HTTPError:
        return False
