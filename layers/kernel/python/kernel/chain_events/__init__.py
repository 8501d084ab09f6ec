"""Owns what happened on a chain as a value, and the identity under which it happens once (pure).

Whoever reports an event, a cursor or a webhook, makes the same value of it, and so the same identity.

A reorganisation takes an event back: the same event comes again with `removed` set, its *retraction*. If the dropped
block returns (A, then B, then A again), the event is delivered a second time, and a task under the old identity would
be taken for one already done. So the identity counts: `occurrence` is 1 when a block is first read, 2 when it is read
again after it was retracted, and a retraction carries the occurrence that it takes back. For one event the identities
therefore always run: 1, 1 removed, 2, 2 removed, 3 ... and each of them is one task.

Tasks may be run in any order. `Delivery.sequence` is the order in which its cursor delivered: it only grows, so that
a consumer whose effect depends on order keeps the last one it has seen for what it is about, and leaves out what is
older. Most need less: an event counts while its highest occurrence has no retraction.

That holds for what cursors deliver. A webhook tells an event or its retraction at any time, as occurrence 1 and with
the sequence 0, and the cursor's delivery is then the same task. Where webhooks are taken, a consumer leaves both tasks
open until the chain itself is final about the block: then order and count no longer matter.
"""

from kernel.chain_events.delivery import ChainEvent, Delivery, ToldEvent
from kernel.chain_events.evm import EvmEvent
from kernel.chain_events.solana import SolanaEvent
from kernel.chain_events.starknet import StarknetEvent

__all__ = ["ChainEvent", "Delivery", "EvmEvent", "SolanaEvent", "StarknetEvent", "ToldEvent"]
