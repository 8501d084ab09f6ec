"""Owns what Counterpart asks outside signers to sign: one open request for each slot, answered once.

A slot is what two signed payloads cannot both use up: an EVM nonce, a value of a Solana nonce account. Whoever asks
again for the same slot gets the request there is, so that a person has time to answer it; the answer is checked
against the address before it is stored, and what was asked can never be changed.

An EVM transaction that is signed may be mined by whoever holds it. So its signature is always given out first, before
anything else is asked for in its slot, until the outbox has stored what was signed and knows its hash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from kernel.audit import Audit
from kernel.clock import Clock, SystemClock
from kernel.errors import Conflict, NotFound, Rejected
from kernel.ids import new_id
from kernel.postgres import Postgres, Queries, Transaction

Q = Queries.load(Path(__file__).with_name("requests.sql"))


class SignatureRefused(Rejected):
    """This is not the signature that was asked for."""

    cause = "It does not verify over the payload of the request under the request's address, or has another form."
    remedy = "Sign the payload as it is with the wallet of that address, and send the signature unchanged."
    example = '{"id": "0190f0a0-0000-7000-8000-000000000001"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequest:
    """One payload that somebody outside is asked to sign. `summary` is the payload in words, for a person."""

    id: UUID
    chain: str
    address: str
    slot: str
    payload: bytes
    digest: bytes
    summary: Mapping[str, Any]
    business_key: str | None
    state: str
    signature: bytes | None
    requested_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be signed, and for which slot; the chain id and nonce of an EVM transaction lead to its obligation."""

    chain: str
    address: str
    slot: str
    payload: bytes
    digest: bytes
    summary: Mapping[str, Any]
    chain_id: int | None = None
    nonce: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A checked signature; `signed_hash` is by what the outbox knows the signed bytes, where it asks for several."""

    signature: bytes
    signed_hash: bytes | None


class Payloads(Protocol):
    """What differs between the chain families."""

    #: Whether a signature must be given out before another wish may be asked for in its slot.
    binds_slot: bool

    def answer(self, request: SignatureRequest, signature: str) -> Answer:
        """The signature as it is stored. Raises SignatureRefused unless the request's address gave it."""
        ...

    def same_wish(self, open_payload: bytes, asked: bytes) -> bool:
        """Whether an answer to the open payload would do for what is asked now."""
        ...


class SignatureRequests:
    """The requests of one database."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def ask(self, asked: Asked, payloads: Payloads) -> SignatureRequest | None:
        """The request of this slot: signed (and not stored by the outbox yet), or open and waiting for its signer.

        Another wish in the same slot withdraws the open request. None when others changed the slot at this moment: ask
        again later. Never called inside a transaction.
        """
        slot = {"chain": asked.chain, "address": asked.address, "slot": asked.slot}
        with self._postgres.transaction() as tx:
            for signed in tx.all(Q["signed_requests"], **slot):
                if payloads.binds_slot or payloads.same_wish(signed["payload"], asked.payload):
                    return _request(signed)
            waiting = tx.maybe(Q["open_request"], **slot)
            if waiting is not None and payloads.same_wish(waiting["payload"], asked.payload):
                return _request(waiting)
            if waiting is not None:
                self._withdraw(tx, waiting["id"], "another wish for the same slot")
            row = {name: getattr(asked, name) for name in Asked.__slots__} | {"summary": dict(asked.summary)}
            added = tx.maybe(Q["add_request"], **row, id=new_id(), now=self._clock.now())
            return None if added is None else _request(added)

    def waiting(self, *, limit: int = 100, after: UUID | None = None) -> list[SignatureRequest]:
        """Open requests, oldest first."""
        with self._postgres.transaction() as tx:
            return [_request(row) for row in tx.all(Q["waiting"], limit=limit, after=after)]

    def request(self, request_id: UUID) -> SignatureRequest:
        """One request. Raises NotFound."""
        with self._postgres.transaction() as tx:
            return self._read(tx, request_id)

    def sign(
        self, request_id: UUID, signature: str, payloads_of: Callable[[str], Payloads], *, actor: str
    ) -> SignatureRequest:
        """Store the answer to a request; giving the same answer again changes nothing.

        payloads_of: by the request's chain (`kernel.keys.external.payloads_of`).

        Raises NotFound, SignatureRefused, and Conflict when it was withdrawn or answered otherwise.
        """
        request = self.request(request_id)
        answer = payloads_of(request.chain).answer(request, signature)
        row = {"id": request_id, "signature": answer.signature, "signed_hash": answer.signed_hash}
        with self._postgres.transaction() as tx:
            if tx.execute(Q["sign_request"], **row, actor=actor[:200], now=self._clock.now()):
                self._audit.record(tx, actor=actor, action="keys.sign", subject=f"signature_request:{request_id}")
            request = self._read(tx, request_id)
        if request.signature != answer.signature:
            raise Conflict("The request was answered otherwise or withdrawn.", id=str(request_id), state=request.state)
        return request

    def withdraw(self, request_id: UUID, *, actor: str) -> SignatureRequest:
        """Take an open request back; whoever needs the slot asks anew, at the fees of then.

        Raises NotFound, and Conflict when it was signed. Withdrawing twice changes nothing.
        """
        with self._postgres.transaction() as tx:
            if self._withdraw(tx, request_id, actor):
                self._audit.record(tx, actor=actor, action="keys.withdraw", subject=f"signature_request:{request_id}")
            request = self._read(tx, request_id)
        if request.state != "withdrawn":
            raise Conflict("The request was signed already.", id=str(request_id), state=request.state)
        return request

    def _withdraw(self, tx: Transaction, request_id: UUID, actor: str) -> int:
        return tx.execute(Q["withdraw_request"], id=request_id, actor=actor[:200], now=self._clock.now())

    def _read(self, tx: Transaction, request_id: UUID) -> SignatureRequest:
        row = tx.maybe(Q["request"], id=request_id)
        if row is None:
            raise NotFound("There is no such signature request.", id=str(request_id))
        return _request(row)


def _request(row: Mapping[str, Any]) -> SignatureRequest:
    return SignatureRequest(**{name: row[name] for name in SignatureRequest.__slots__})
