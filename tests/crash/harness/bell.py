"""A contract whose every call is one event, and somebody who calls it."""

import time
from typing import Any

from tests.crash.harness.world import World

BELL, RINGER = "0x" + "be" * 20, "0x" + "aa" * 20
# Whoever calls it rings: PUSH1 1, PUSH1 0, PUSH1 0, LOG1, STOP.
BELL_CODE = "0x600160006000a100"


class Bell:
    """The bell of this world's EVM chain."""

    def __init__(self, world: World) -> None:
        self._chain = world.evm

    def hang(self) -> None:
        """Put it there."""
        self._chain.rpc("anvil_setCode", BELL, BELL_CODE)
        self._chain.rpc("anvil_impersonateAccount", RINGER)
        self._chain.fund(RINGER)

    def ring(self) -> None:
        """One transaction, and one block before this returns."""
        before = self._chain.nonce(RINGER)
        self._chain.rpc("eth_sendTransaction", {"from": RINGER, "to": BELL})
        while self._chain.nonce(RINGER) == before:
            time.sleep(0.001)

    def rung(self) -> list[dict[str, Any]]:
        """The logs that the chain holds."""
        wanted = {"address": BELL, "fromBlock": "0x0", "toBlock": "latest"}
        logs: list[dict[str, Any]] = self._chain.rpc("eth_getLogs", wanted)
        return logs
