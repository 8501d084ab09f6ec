"""Carries what the mailbox on L1 takes to the L2, as zkSync's own sequencer does: later, in order, under an alias.

with Relayer(world, delay_s=2) as relayer:
    relayer.drop(1)     # the next message is lost

A call arrives as if its sender were the contract on L1 plus 0x1111…1111, and what it leaves of its fee comes back. One
that the L2 forgot by a reorganisation is made again; one that fails there is not. What is lost by `drop` never arrives.
A relayer remembers what it carried, and a new one begins again: the L2 refuses the repetitions.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from infra.local.anvil import RpcRefused
from infra.local.bridge.bootloader import OrderedCall, alias, make
from infra.local.bridge.world import World
from infra.local.evm_reading import ask, logs
from infra.local.flare.node import Node, NodeRefused

EVERY_S: Final = 0.1
JOIN_S: Final = 10.0
#: A call on L2 under so many blocks is not looked after any more.
DEPTH: Final = 64


@dataclass(slots=True, kw_only=True)
class Message:
    """A call that L1 wants made on L2.

    due_s: by the monotonic clock. sent: its hash on L2, None before. settled: too deep on L2 to be forgotten.
    """

    tx_id: int
    call: OrderedCall
    due_s: float
    dropped: bool = False
    sent: str | None = None
    settled: bool = False


class Relayer:
    """Follows the mailbox from a thread of its own between `with` and its end, or by `turn()`, a step at a time."""

    def __init__(self, world: World, *, delay_s: float = 0.0, confirmations: int = 0, every_s: float = EVERY_S) -> None:
        """delay_s: from a message's sighting to its call on L2; confirmations: blocks on L1 above a message before it
        is seen."""
        self.delay_s = delay_s
        #: Who gets what messages leave of their fees, where the registry is to seem one that names somebody else.
        self.refunds_to: str | None = None
        self.messages: dict[tuple[str, int], Message] = {}
        self._world, self._confirmations, self._every_s = world, confirmations, every_s
        self._to_drop, self._is_held, self._head = 0, False, ""
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relayer", daemon=True)

    @property
    def carried(self) -> list[Message]:
        """Those that were made on L2, in their order."""
        return [one for one in self.messages.values() if one.sent is not None]

    @property
    def dropped(self) -> list[Message]:
        """Those that are lost."""
        return [one for one in self.messages.values() if one.dropped]

    def drop(self, count: int) -> None:
        """Lose the next so many messages that are seen."""
        with self._lock:
            self._to_drop += count

    def hold(self) -> None:
        """Carry nothing until `release`."""
        self._is_held = True

    def release(self) -> None:
        """Carry on."""
        self._is_held = False

    def turn(self) -> int:
        """See what is new, make every call that is due; how many calls were made."""
        with self._lock:
            self._see()
            if self._is_held:
                return 0
            self._look_after()
            now_s = time.monotonic()
            due = [one for one in self.messages.values() if not one.dropped and not one.sent and one.due_s <= now_s]
            for message in due:
                message.sent = make(self._world.l2.rpc, message.call)
            return len(due)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _see(self) -> None:
        mailbox, l1 = self._world.mailbox, self._world.l1
        last = l1.block_number() - self._confirmations
        paid = {
            str(log["transactionHash"]): log
            for log in logs(l1, mailbox, "L2TransactionPaid", self._world.registry_block)
        }
        for log in logs(l1, mailbox, "L2TransactionRequested", self._world.registry_block):
            told = mailbox.event("L2TransactionRequested", log)
            key = (str(log["transactionHash"]), int(told["txId"]))
            if key not in self.messages and int(log["blockNumber"], 16) <= last:
                self.messages[key] = self._message(told, mailbox.event("L2TransactionPaid", paid[key[0]]))

    def _message(self, told: dict[str, Any], paid: dict[str, Any]) -> Message:
        is_dropped = self._to_drop > 0
        self._to_drop -= is_dropped
        return Message(
            tx_id=told["txId"],
            call=OrderedCall(
                tx_id=told["txId"],
                sender=alias(told["sender"]),
                contract=told["contractL2"],
                value_wei=told["l2Value"],
                gas_limit=told["gasLimit"],
                gas_price_wei=ask(self._world.l1, self._world.mailbox, "l2GasPrice")[0],
                paid_wei=paid["paid"],
                refund_to=self.refunds_to or paid["refundRecipient"],
                data=told["data"],
            ),
            due_s=time.monotonic() + self.delay_s,
            dropped=is_dropped,
        )

    def _look_after(self) -> None:
        """Forget to have sent what L2 knows nothing of; only a new block can have changed that."""
        head = self._world.l2.rpc("eth_getBlockByNumber", "latest", False)
        if head["hash"] == self._head:
            return
        sent = [one for one in self.messages.values() if one.sent and not one.settled]
        with Node(self._world.l2.url) as node:
            found = node.batch([("eth_getTransactionByHash", [one.sent]) for one in sent])
        for message, known in zip(sent, found, strict=True):
            if known is None:
                message.sent = None
            elif known["blockNumber"] is not None:
                message.settled = int(known["blockNumber"], 16) + DEPTH < int(head["number"], 16)
        self._head = head["hash"]

    def _run(self) -> None:
        while not self._closed.wait(self._every_s):
            try:
                self.turn()
            except (httpx.HTTPError, RpcRefused, NodeRefused):
                continue  # a node is away, or reorganised under our hands: the next turn sees it

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
