"""Owns what is read of the cluster for a Solana entry: the cheap look, the proof of death, the end.

The look asks one node, and decides nothing that could not be taken back. What cannot be taken back, a new signature
and an end, rests on two RPCs: `proof` and `ending`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from kernel.clock import Clock
from kernel.jsonrpc.endpoint import Call
from kernel.outbox.reading import reading
from kernel.outbox.solana.decision import Sighting, looks_dead
from kernel.outbox.solana.entries import Purpose, SolanaEntry
from kernel.solana.accounts import AccountState, AccountUnfit, NonceState, nonce_of
from kernel.solana.pool import STATUSES_MAX, SolanaPool
from kernel.solana.statuses import SignatureStatus

# Whoever signs anew risks a second effect.
WITNESSES: Final = 2
FINALIZED_ACCOUNT: Final = {"encoding": "base64", "commitment": "finalized"}
FINALIZED_TRANSACTION: Final = {"commitment": "finalized", "encoding": "json", "maxSupportedTransactionVersion": 0}


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether two RPCs showed that nothing signed can land any more, and what any of them knew."""

    dead: bool
    known: Mapping[str, SignatureStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A finalized transaction of ours, as two RPCs told it. spent_lamports: what its payer paid beside the fee."""

    signature: str
    slot: int
    fee_lamports: int
    spent_lamports: int
    error: Any


class Lookout:
    """The eyes of the outbox on one cluster."""

    def __init__(self, pool: SolanaPool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        # Two for a new signature, also where the pool would make do with one while the others are away.
        self._witnesses = min(WITNESSES, len(pool.standings()))

    def sighting(self, entry: SolanaEntry) -> Sighting:
        """What one node says of the entry's signatures, in one round trip; nothing is asked where there are none.

        But for a message from elsewhere, which may have grown old before ours have signed it.
        """
        if entry.latest is None and entry.given is None:
            return Sighting(now=self._clock.now())
        signatures = [payload.signature for payload in entry.payloads]
        asked = [signatures[start : start + STATUSES_MAX] for start in range(0, len(signatures), STATUSES_MAX)]
        calls: list[Call] = [("getBlockHeight", [{"commitment": "finalized"}])]
        calls += [("getSignatureStatuses", [some, {"searchTransactionHistory": True}]) for some in asked]
        if entry.durable_nonce is not None:
            calls.append(("getAccountInfo", [entry.durable_nonce, FINALIZED_ACCOUNT]))
        with reading():
            return self._pool.told(calls, partial(self._read, entry, signatures))

    def _read(self, entry: SolanaEntry, signatures: Sequence[str], told: Sequence[Any]) -> Sighting:
        height, *answers = told
        statuses = [
            SignatureStatus.from_rpc(one)
            for answer in answers[: len(answers) - (entry.durable_nonce is not None)]
            for one in answer["value"]
        ]
        return Sighting(
            now=self._clock.now(),
            known=_known(signatures, statuses),
            finalized_height=int(height),
            nonce=self._nonce(entry, lambda address: nonce_of(address, AccountState.from_rpc(answers[-1]))),
        )

    def height_reached(self) -> int:
        """The highest block that any endpoint has processed: what has happened by now happened at or below it."""
        with reading():
            own = self._pool.height("processed")
        heights: list[int] = self._pool.everywhere("getBlockHeight", [{"commitment": "processed"}], int)
        return max([own, *heights])

    def proof(self, entry: SolanaEntry) -> Proof:
        """Ask two RPCs: first how high they are final and where the nonce stands, *then* what they know.

        The essay of `decision` says why in this order. Two things more can make a node call unknown what has landed:
        it stands lower than the node that told the height (behind one address may stand several), or it has thrown
        the block away since. Such answers do not count. And the last valid height itself may have been told by a node
        that was alone and lied: so the blockhash must be dead to all who are asked. Raises NoQuorum, RpcUnavailable.
        """
        two = self._witnesses
        seen = Sighting(
            now=self._clock.now(),
            finalized_height=self._pool.agreed_height_floor("finalized", quorum=two),
            nonce=self._nonce(entry, partial(self._pool.agreed_nonce_account, quorum=two)),
        )
        if not looks_dead(entry.payloads, seen):
            return Proof(dead=False)
        as_of_slot = self._pool.finalized_slot_ceiling(quorum=two)
        # Each payload but the newest was proven dead before the next one was signed.
        newest = entry.payloads[-1]
        if newest.durable_nonce is None and self._pool.blockhash_lives(
            newest.blockhash, as_of_slot=as_of_slot, quorum=two
        ):
            return Proof(dead=False)
        signatures = [payload.signature for payload in entry.effects]
        known = _known(signatures, self._pool.agreed_statuses(signatures, as_of_slot=as_of_slot, quorum=two))
        kept = self._pool.history_start_slot(quorum=two) <= entry.effects[-1].signed_at_slot
        return Proof(dead=kept and not known, known=known)

    def ending(self, signature: str) -> Ending | None:
        """The finalized transaction as a quorum tells it, or None while a quorum has none. Raises NoQuorum.

        That it failed is said by two, whoever is away: who is told so may pay again.
        """
        asked = [signature, FINALIZED_TRANSACTION]
        with reading():
            found = self._pool.agreed("getTransaction", asked, by=_compared)
            if found is not None and found["meta"]["err"] is not None:
                found = self._pool.agreed("getTransaction", asked, by=_compared, quorum=self._witnesses)
        return None if found is None else Ending(signature=signature, **_told(found))

    def release_fees(self, entry: SolanaEntry) -> int | None:
        """What the entry's releases cost, in lamports, or None while one that landed is not final and readable."""
        releases = [payload.signature for payload in entry.payloads if payload.purpose == Purpose.RELEASE]
        if not releases:
            return 0
        landed = _known(releases, self._pool.agreed_statuses(releases, quorum=self._witnesses))
        endings = [self.ending(signature) for signature in landed]
        told = [ending.fee_lamports for ending in endings if ending is not None]
        return sum(told) if len(told) == len(landed) else None

    def _nonce(self, entry: SolanaEntry, read: Callable[[str], NonceState]) -> str | None:
        """The value of the entry's durable nonce; None without one, and where there is none to be read."""
        if entry.durable_nonce is None:
            return None
        try:
            return read(entry.durable_nonce).blockhash
        except AccountUnfit:
            return None


def _known(signatures: Sequence[str], statuses: Sequence[SignatureStatus | None]) -> dict[str, SignatureStatus]:
    return {one: status for one, status in zip(signatures, statuses, strict=True) if status is not None}


def _told(found: Any) -> dict[str, Any]:
    meta = found["meta"]
    fee_lamports = _fee_lamports(meta)
    paid_lamports = int(meta["preBalances"][0]) - int(meta["postBalances"][0])  # the payer is the first account
    return {
        "slot": int(found["slot"]),
        "fee_lamports": fee_lamports,
        "spent_lamports": paid_lamports - fee_lamports,
        "error": meta["err"],
    }


def _fee_lamports(meta: Any) -> int:
    """What left all accounts of the transaction together: not every node counts the priority fee into its `fee`."""
    left = sum(map(int, meta["preBalances"])) - sum(map(int, meta["postBalances"]))
    return max(int(meta["fee"]), left)


def _compared(found: Any) -> str | None:
    """What honest nodes share of a finalized transaction."""
    return None if found is None else json.dumps(_told(found), sort_keys=True)
