"""Owns how an entry is looked at: what one node says, in one round trip, and what all say where that is odd."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kernel.clock import Clock
from kernel.errors import Transient
from kernel.evm.blocks import Head, Receipt, hexadecimal, quantity
from kernel.evm.refusals import Refusal
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call, RpcRefused
from kernel.outbox.evm.decision import OutboxPolicy, Sighting, is_overdue
from kernel.outbox.evm.entries import NonceHolder, OutboxEntry
from kernel.outbox.evm.evidence import last_final, mined_anywhere
from kernel.outbox.evm.store import OutboxStore


class ChainUnreadable(Transient):
    """The node refused to tell what became of a transaction."""

    cause = "A node answered a plain question about blocks, receipts or counts with an error."
    remedy = "The entry is looked at again; read the node's words in the log if this lasts."


@contextmanager
def reading() -> Iterator[None]:
    """A refusal while looking never parks the task: its nonce holds up all later ones."""
    try:
        yield
    except RpcRefused as refused:
        raise ChainUnreadable(words=refused.words) from refused


class Lookout:
    """Looks at the chain for the outbox."""

    def __init__(self, pool: RpcPool, store: OutboxStore, clock: Clock, policy: OutboxPolicy) -> None:
        self._pool, self._store, self._clock, self._policy = pool, store, clock, policy

    def prospect(self) -> Sighting:
        """What a first signature needs to know: the base fee and the going tip."""
        calls: list[Call] = [("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])]
        with reading():
            block, tip = self._pool.batch(calls)
        return Sighting(now=self._clock.now(), head=Head.from_rpc(block), suggested_tip_wei=quantity(tip))

    def look(self, entry: OutboxEntry) -> Sighting:
        """Everything a decision needs, from one node; the receipts of every node where that one's word is odd."""
        sighting = self._glance(entry)
        if not sighting.receipts and self._is_odd(entry, sighting):
            receipts = mined_anywhere(self._pool, [payload.hash for payload in entry.payloads])
            sighting = replace(sighting, receipts=receipts)
        return self._with_gap(entry, sighting)

    def _glance(self, entry: OutboxEntry) -> Sighting:
        hashes = [hexadecimal(payload.hash) for payload in entry.payloads]
        calls: list[Call] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getBlockByNumber", ["finalized" if self._policy.confirmations is None else "latest", False]),
            ("eth_maxPriorityFeePerGas", []),
            ("eth_getTransactionCount", [entry.signer, "latest"]),
            *(("eth_getTransactionByHash", [one]) for one in hashes[-1:]),
            *(("eth_getTransactionReceipt", [one]) for one in hashes),
        ]
        with reading():
            latest, final, tip, used, *told = self._pool.batch(calls)
        receipts = [Receipt.from_rpc(receipt) for receipt in told[1:] if receipt is not None]
        return Sighting(
            now=self._clock.now(),
            head=Head.from_rpc(latest),
            suggested_tip_wei=quantity(tip),
            final_block=-1 if final is None else last_final(quantity(final["number"]), self._policy.confirmations),
            nonces_used=quantity(used),
            receipts={receipt.transaction_hash: receipt for receipt in receipts},
            known=bool(told) and told[0] is not None,
        )

    def _is_odd(self, entry: OutboxEntry, sighting: Sighting) -> bool:
        """Whether one node's word that nothing is mined is to be doubted: it took long, or another node disagreed."""
        refused = entry.latest is not None and entry.latest.refusal == Refusal.NONCE_USED
        return refused or is_overdue(entry, sighting.now, self._policy)

    def _with_gap(self, entry: OutboxEntry, sighting: Sighting) -> Sighting:
        """Whether the chain waits for a nonce that nobody is going to use; asked only once waiting has become odd."""
        behind = entry.latest is not None and sighting.nonces_used < entry.nonce
        if not behind or not is_overdue(entry, sighting.now, self._policy):
            return sighting
        holder = self._store.holder_of(entry, sighting.nonces_used)
        return replace(sighting, gap=holder != NonceHolder.OBLIGATION, fillable=holder == NonceHolder.NOBODY)
