"""A bystander of the bridge's scene: sees deposits and payments on the chains, past every fault, as they appear."""

import threading
import time
from typing import Any, Final, Self

import httpx

from functions.bridge.core.registry import Version
from infra.local.anvil import RpcRefused
from infra.local.bridge.world import World
from infra.local.evm_reading import logs

LOOK_EVERY_S: Final = 0.15
#: Blocks that are looked at again, since they may have been reorganised.
AGAIN_BLOCKS: Final = 12


class Watch:
    """Knows an order by its recipient, since its id may change. A context manager; its thread looks by itself."""

    def __init__(self, world: World) -> None:
        self.deposited: dict[str, float] = {}
        self.paid: dict[str, float] = {}
        self._world = world
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bridge-watch", daemon=True)

    def latencies(self) -> list[float]:
        """Seconds from the deposit's block to the payment's, both as they were seen, of every order that was paid."""
        return sorted(self.paid[who] - at for who, at in self.deposited.items() if who in self.paid)

    def look(self) -> None:
        """See what is new."""
        now = time.monotonic()
        for who in self._recipients("l2"):
            self.deposited.setdefault(who, now)
        for who in self._recipients("l1"):
            self.paid.setdefault(who, now)

    def _recipients(self, side: str) -> list[str]:
        node = self._world.l1 if side == "l1" else self._world.l2
        start = max(0, node.block_number() - AGAIN_BLOCKS)
        told = []
        for version, one in self._world.generations.items():
            contract, event = (one.registry, "Transfer") if side == "l1" else (one.escrow, "SetOrder")
            told += [(contract.event(event, log), version) for log in logs(node, contract, event, start)]
        return [_recipient(values, version) for values, version in told]

    def _run(self) -> None:
        while not self._closed.wait(LOOK_EVERY_S):
            try:
                self.look()
            except (httpx.HTTPError, RpcRefused):
                continue  # reorganised under our hands: the next look sees it

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(10.0)


def _recipient(told: dict[str, Any], version: Version) -> str:
    if "recipient_address" in told:
        return str(told["recipient_address"]).lower()
    if version == Version.V1:
        return f"0x{told['transferInfo'][0]:040x}"
    return str(told["destAddress"]).lower()
