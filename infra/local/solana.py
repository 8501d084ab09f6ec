"""A Solana chain by Surfpool on the loopback, its slots and its accounts under our control.

Surfpool comes as a library for Node.js; `surfpool.cjs` holds it in a child. Blocks come by the clock, 50 ms each; a
paused clock makes none, and `mine` makes exactly as many as asked for, paused or not, in half a millisecond each.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Literal

from infra.local import fault_proxy, programs, settings
from infra.local.anvil import RpcRefused
from infra.local.children import Child, ChildDied, Children, ChildSlow
from infra.local.failures import LocalFailure
from infra.local.fault_proxy import FaultProxy

PACKAGE = settings.ROOT / "node_modules/@solana/surfpool-linux-x64-gnu"
STARTER = Path(__file__).with_name("surfpool.cjs")

# A block is final once this many slots lie above it, and a blockhash lives for so many blocks.
FINALITY_SLOTS, BLOCKHASH_BLOCKS = 31, 150
SLOT_MS = 50
LAMPORTS_PER_SOL = 10**9
#: It takes 0.2 s, or some seconds on a machine with other programs.
STARTED_WITHIN_S = 15.0

Commitment = Literal["processed", "confirmed", "finalized"]


class SurfpoolMissing(LocalFailure):
    """Surfpool, or the Node.js that it runs in, is not installed; run `make ready`, or ask `make doctor`."""


@dataclass(frozen=True, slots=True, eq=False)
class SolanaNode:
    """A running node. `url` is the node itself, past every fault; `proxy` holds its RPC identities, if any.

    `payer` owns the lamports of the genesis; `payer_secret` is its 64-byte key (seed ‖ public key).
    """

    name: str
    url: str
    ws_url: str
    payer: str
    payer_secret: bytes = field(repr=False)
    genesis_hash: str  # Two chains that start within one second share it.
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

    def rpc(self, method: str, *params: object) -> Any:
        """Call the node directly, past every fault; RpcRefused when it answers with an error."""
        with self._connected() as connection:
            return _answer(connection, method, params)

    def slot(self, commitment: Commitment = "processed") -> int:
        """The newest slot of that commitment."""
        return int(self.rpc("getSlot", {"commitment": commitment}))

    def height(self, commitment: Commitment = "processed") -> int:
        """The block height, which counts blocks and not slots."""
        return int(self.rpc("getBlockHeight", {"commitment": commitment}))

    def balance(self, address: str, commitment: Commitment = "processed") -> int:
        """The lamports of an account."""
        return int(self.rpc("getBalance", address, {"commitment": commitment})["value"])

    def pause(self) -> None:
        """Make no more blocks: what is sent is executed at once, but has no status before the next block."""
        self.rpc("surfnet_pauseClock")

    def resume(self) -> None:
        """Make blocks by the clock again."""
        self.rpc("surfnet_resumeClock")

    def mine(self, blocks: int = 1) -> None:
        """Make `blocks` at once; a paused clock stays paused."""
        with self._connected() as connection:
            slot = int(_answer(connection, "getSlot", ({"commitment": "processed"},)))
            for number in range(1, blocks + 1):
                try:
                    _answer(connection, "surfnet_timeTravel", ({"absoluteSlot": slot + number},))
                except RpcRefused as refused:
                    # The clock has made that block meanwhile.
                    if "past slot" not in str(refused.data):
                        raise

    def finalize(self) -> None:
        """Make all that has a block final."""
        self.mine(FINALITY_SLOTS + 1)

    def expire(self) -> None:
        """Make so many blocks that nothing signed before can land, as a finalized block height proves."""
        self.mine(BLOCKHASH_BLOCKS + FINALITY_SLOTS + 2)

    def jump(self, slots: int) -> None:
        """Leave out `slots` slots: one block more, and all before it is final; no blockhash expires by it."""
        self.rpc("surfnet_timeTravel", {"absoluteSlot": self.slot() + slots})

    def fund(self, address: str, lamports: int) -> None:
        """Set the balance of an account, without a transaction."""
        self.rpc("surfnet_setAccount", address, {"lamports": lamports})

    def set_account(self, address: str, *, lamports: int, owner: str, content: bytes) -> None:
        """Write an account, without a transaction."""
        self.rpc("surfnet_setAccount", address, {"lamports": lamports, "owner": owner, "data": content.hex()})

    def _connected(self) -> closing[HTTPConnection]:
        # A connection a call: a process that forks must share none with its child.
        return closing(HTTPConnection(self.url.removeprefix("http://"), timeout=30.0))


def start(
    children: Children,
    *,
    name: str = "solana",
    slot_ms: int = SLOT_MS,
    payer_secret: bytes | None = None,
    balance_lamports: int = 100_000 * LAMPORTS_PER_SOL,
    airdrop_to: tuple[str, ...] = (),
    deploy: Mapping[str, Path] | None = None,
    paused: bool = False,
    proxied: bool = False,
) -> SolanaNode:
    """Start a node (0.2 s), which is past its first finalized block.

    payer_secret: the 64-byte key of the funded payer, a new one otherwise. airdrop_to: addresses that get
    balance_lamports, too. deploy: program ids and their .so files. paused: blocks only by `mine`. proxied: also
    reachable under two RPC identities, each with faults of its own.
    """
    runtime = programs.node()
    if runtime is None or not PACKAGE.exists():
        raise SurfpoolMissing(str(SurfpoolMissing.__doc__))
    config = {
        "offline": True,
        "blockProductionMode": "clock",
        "slotTimeMs": slot_ms,
        "airdropSol": balance_lamports,  # The SDK calls it SOL and takes lamports.
        "airdropAddresses": list(airdrop_to),
        "programs": [{"programId": program, "soPath": str(path)} for program, path in (deploy or {}).items()],
    }
    if payer_secret is not None:
        config["payerSecretKey"] = list(payer_secret)
    node = _started(children, runtime.program, name, config)
    if paused:
        node.pause()
    node.mine(FINALITY_SLOTS + 1)
    if not proxied:
        return node
    return replace(node, proxy=fault_proxy.start(children, node.url, name=f"{name}-proxy"))


def _started(children: Children, runtime: Path, name: str, config: Mapping[str, object]) -> SolanaNode:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=children.folder))
    configured, ready = folder / "config.json", folder / "ready.json"
    configured.write_text(json.dumps(config))
    child = _ready(children, name, [runtime, STARTER, configured, ready], ready)
    told = json.loads(ready.read_text())
    node = SolanaNode(
        name=name,
        url=told["url"],
        ws_url=told["wsUrl"],
        payer=told["payer"],
        payer_secret=bytes(told["payerSecret"]),
        genesis_hash="",
        child=child,
    )
    child.wait_until(lambda: _answers(node))
    return replace(node, genesis_hash=node.rpc("getGenesisHash"))


def _ready(children: Children, name: str, command: list[str | Path], ready: Path) -> Child:
    """The started node. Surfpool panics in one start of some hundreds, when its port was taken; a second one is not."""
    child = children.start(name, command)
    try:
        child.wait_until(ready.exists, STARTED_WITHIN_S)
    except (ChildDied, ChildSlow):
        children.forget(child)
        child = children.start(name, command)
        child.wait_until(ready.exists)
    return child


def _answers(node: SolanaNode) -> bool:
    try:
        return bool(node.rpc("getHealth") == "ok")
    except (OSError, HTTPException):
        return False


def _answer(connection: HTTPConnection, method: str, params: Sequence[object]) -> Any:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    if "error" in answer:
        raise RpcRefused(method, answer["error"])
    return answer["result"]
