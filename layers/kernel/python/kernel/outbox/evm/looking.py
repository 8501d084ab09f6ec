"""Owns how an entry is looked at: what one node says, in one round trip, and what all say where that is odd."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kernel.clock import Clock
from kernel.evm.blocks import Head, hexadecimal, quantity
from kernel.evm.evidence import agreed_receipt, final_block, last_final, mined_anywhere, receipt_of
from kernel.evm.refusals import Refusal
from kernel.evm.rpc import RpcPool
from kernel.jsonrpc.endpoint import Call
from kernel.outbox.evm.decision import OutboxPolicy, Sighting, is_overdue
from kernel.outbox.evm.entries import NonceHolder, OutboxEntry
from kernel.outbox.evm.store import OutboxStore


class Lookout:
    """Looks at the chain for the outbox."""

    def __init__(self, pool: RpcPool, store: OutboxStore, clock: Clock, policy: OutboxPolicy) -> None:
        self._pool, self._store, self._clock, self._policy = pool, store, clock, policy

    def prospect(self) -> Sighting:
        """What a first signature needs to know: the base fee and the going tip."""
        calls: list[Call] = [("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])]

        def read(answers: Sequence[Any]) -> Sighting:
            block, tip = answers
            return Sighting(now=self._clock.now(), head=Head.from_rpc(block), suggested_tip_wei=quantity(tip))

        return self._pool.told(calls, read)

    def look(self, entry: OutboxEntry) -> Sighting:
        """Everything a decision needs, from one node; once that takes long, from a quorum.

        One node's word is enough to wait and to send again, but one that lies must not keep an entry waiting for ever:
        not by receipts that others do not know, nor by a count or a finality that never comes. Raises NoQuorum.
        """
        sighting = self._glance(entry)
        overdue = is_overdue(entry, sighting.now, self._policy)
        contradicted = entry.latest is not None and entry.latest.refusal == Refusal.NONCE_USED
        if not sighting.receipts and (overdue or contradicted):
            receipts = mined_anywhere(self._pool, [payload.hash for payload in entry.payloads])
            sighting = replace(sighting, receipts=receipts)
        return self._with_gap(entry, self._double_checked(entry, sighting)) if overdue else sighting

    def _double_checked(self, entry: OutboxEntry, sighting: Sighting) -> Sighting:
        count = ("eth_getTransactionCount", [entry.signer, "latest"])
        agreed = [agreed_receipt(self._pool, one) for one in sighting.receipts]
        receipts = {receipt.transaction_hash: receipt for receipt in agreed if receipt is not None}
        return replace(
            sighting,
            nonces_used=self._pool.agreed_floor(*count, by=quantity),
            receipts=receipts,
            final_block=final_block(self._pool, self._policy.confirmations) if receipts else sighting.final_block,
        )

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
        return self._pool.told(calls, partial(self._read, entry))

    def _read(self, entry: OutboxEntry, answers: Sequence[Any]) -> Sighting:
        latest, final, tip, used, *told = answers
        hashes = [payload.hash for payload in entry.payloads]
        receipts = {
            one: receipt_of(one, receipt) for one, receipt in zip(hashes, told[1:], strict=False) if receipt is not None
        }
        return Sighting(
            now=self._clock.now(),
            head=Head.from_rpc(latest),
            suggested_tip_wei=quantity(tip),
            final_block=-1 if final is None else last_final(quantity(final["number"]), self._policy.confirmations),
            nonces_used=quantity(used),
            receipts=receipts,
            known=bool(told) and told[0] is not None,  # the newest payload's transaction comes first
        )

    def _with_gap(self, entry: OutboxEntry, sighting: Sighting) -> Sighting:
        """Whether the chain waits for a nonce that nobody is going to use; asked only once waiting has become odd."""
        if entry.latest is None or sighting.nonces_used >= entry.nonce:
            return sighting
        holder = self._store.holder_of(entry, sighting.nonces_used)
        return replace(sighting, gap=holder != NonceHolder.OBLIGATION, fillable=holder == NonceHolder.NOBODY)
