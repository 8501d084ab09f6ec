"""Wallets' keys for somebody outside: asked for by one, agreed to by two others, and sealed to the asker's own key.

The key leaves as an HPKE box (RFC 9180: base mode, X25519, HKDF-SHA256, AES-256-GCM) whose info names the wallet, so
that nobody but the holder of the other half opens it, and no box passes for another wallet's. The wallet has to be free
when its key is asked for, and when it is sealed: whoever has the key has the money. What the internet calls opens no
key: the second agreement asks for a task, which opens and seals in one call, and stores nothing but the box, until that
is given. Each step is an act in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from functions.contests.adapters.admin_transfers import Q as TRANSFERS
from functions.contests.adapters.contests import Contests
from functions.contests.adapters.export_steps import export_task
from functions.contests.adapters.wallet_books import NotOurWallet, WalletBooks
from functions.contests.adapters.wallets import KEY_PURPOSE
from functions.contests.core.transfers import Free, require_free
from kernel.audit import Audit
from kernel.auth.administrators import owes_role
from kernel.clock import Clock
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import new_id
from kernel.keys.vault import Vault
from kernel.postgres import Fence, Postgres, Queries, Transaction
from kernel.tasks import Done, Outcome, Skipped, Tasks

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("key_exports.sql"))
APPROVALS: Final = 2
LIVES: Final = timedelta(hours=24)
#: How the identity of whoever has signed in begins.
_PERSON: Final = "person:"
#: What a box is for, before the wallet's address.
DOMAIN: Final = b"counterpart/contests/key-export/"


class ExportUnknown(NotFound):
    """There is no such export."""

    cause = "The id is misspelt, or the key was never asked for."
    remedy = "Use the id that the request was answered with."


class ExportNotApproved(Forbidden):
    """Two others have not agreed to this export."""

    cause = "Fewer than two administrators beside the asker have agreed, or a day has passed since it was asked for."
    remedy = "Have two others agree, or ask anew."


class ExportByProgram(Forbidden):
    """Keys are asked for, and agreed to, by people."""

    cause = "The caller has an API key, which names nobody who could answer for it."
    remedy = "Sign in with the wallet that has the role."


class OwnExport(Forbidden):
    """Nobody agrees to an export of their own."""

    cause = "Of the two who agree none is the asker, owes his role to the asker or to a program, or got it since."
    remedy = "Have somebody look at it who was an administrator before, by another one's grant."


class ExportGiven(Conflict):
    """This key was handed over already."""

    cause = "An export is given once; a second box would be a second copy that nobody agreed to."
    remedy = "Open the box that was given, or ask anew."


class ExportNotSealed(Conflict):
    """The key is not in its box yet."""

    cause = "Two others have agreed a moment ago, and the task that seals it has not run."
    remedy = "Ask again in some seconds; look at contests.seal_export if it lasts."


class SealingKeyUnfit(Invalid):
    """This is no public key that something can be sealed to."""

    status = 422
    cause = "An X25519 public key is 32 bytes, and not one of the few whose secrets everybody knows."
    remedy = "Make a new pair, keep its private half, and send the public one."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExport:
    """A row of contests.key_exports, and who has agreed."""

    id: UUID
    address: str
    sealed_to: bytes
    actor: str
    reason: str
    asked_at: datetime
    expires_at: datetime
    box: bytes | None
    given_at: datetime | None
    approvals: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> KeyExport:
        """From a row of the query `export`."""
        box = None if row["box"] is None else bytes(row["box"])
        read = {"sealed_to": bytes(row["sealed_to"]), "approvals": tuple(row["approvals"]), "box": box}
        return cls(**{**row, **read})


class KeyExports:
    """The tables of exports and of who agreed to them."""

    def __init__(
        self,
        postgres: Postgres,
        tasks: Tasks,
        contests: Contests,
        wallets: WalletBooks,
        vault: Callable[[], Vault],
        clock: Clock,
        *,
        chain: str,
        purpose: str,
    ) -> None:
        """vault: asked for by whoever seals alone."""
        self._postgres, self._tasks, self._vault, self._clock = postgres, tasks, vault, clock
        self._contests, self._wallets = contests, wallets
        self._chain, self._purpose = chain, purpose
        self._audit = Audit(postgres, clock)

    def ask(self, address: str, sealed_to: bytes, *, actor: str, reason: str) -> KeyExport:
        """Want a wallet's key. Raises ExportByProgram, NotOurWallet, WalletInPlay, SealingKeyUnfit."""
        _require_person(actor)
        _seal(b"", sealed_to, address)
        with self._postgres.transaction() as tx:
            if not tx.one(TRANSFERS["is_ours"], address=address)["ours"]:
                raise NotOurWallet(address=address)
            self._require_free(tx, address)
            export_id, now = new_id(), self._clock.now()
            told = {"address": address, "sealed_to": sealed_to, "actor": actor, "reason": reason}
            tx.execute(Q["ask"], id=export_id, **told, now=now, expires_at=now + LIVES)
            self._keep(tx, "ask_for_key", export_id, actor, address=address, reason=reason, sealed_to=sealed_to.hex())
            return self._export(tx, export_id)

    def approve(self, export_id: UUID, *, actor: str) -> KeyExport:
        """Agree to it; a second time changes nothing.

        Raises ExportUnknown, OwnExport, ExportNotApproved, ExportByProgram.
        """
        with self._postgres.transaction() as tx:
            export = self._export(tx, export_id)
            if export.actor == actor or owes_role(tx, actor, to=export.actor, since=export.asked_at):
                raise OwnExport
            self._require_open(export)
            _require_person(actor)
            if tx.execute(Q["approve"], id=export_id, actor=actor, now=self._clock.now()):
                self._keep(tx, "approve_key", export_id, actor, address=export.address)
            agreed = self._export(tx, export_id)
            if len(agreed.approvals) >= APPROVALS:
                self._tasks.enqueue([export_task(export_id, self._clock.now())], tx)
            return agreed

    def seal(self, export_id: UUID, fence: Fence) -> Outcome:
        """Put the key into its box, once, if two others have agreed.

        Raises ExportUnknown, WalletInPlay, KeyNotKept.
        """
        with self._postgres.transaction() as tx:
            export = self._export(tx, export_id)
            self._require_free(tx, export.address)
        is_wanted = export.given_at is None and export.box is None and self._clock.now() < export.expires_at
        if len(export.approvals) < APPROVALS or not is_wanted:
            return Skipped("there is nothing to seal")
        box = self._vault().sealed_by(
            lambda key: _seal(key, export.sealed_to, export.address),
            purpose=self._purpose,
            chain=self._chain,
            address=export.address,
        )
        with self._postgres.transaction(holding=fence) as tx:
            self._require_free(tx, export.address)
            tx.execute(Q["seal"], id=export_id, box=box)
            self._tasks.complete(tx, fence)
        return Done()

    def give(self, export_id: UUID, *, actor: str) -> tuple[str, bytes]:
        """The address, and its key in a box, once, to whoever asked.

        Raises ExportUnknown, ExportNotApproved, ExportGiven, ExportNotSealed.
        """
        with self._postgres.transaction() as tx:
            export = self._givable(tx, export_id, actor)
            if export.box is None:
                raise ExportNotSealed(export=str(export_id))
            if not tx.execute(Q["give"], id=export_id, now=self._clock.now()):
                raise ExportGiven
            told = {"address": export.address, "approvals": ", ".join(export.approvals)}
            self._keep(tx, "give_key", export_id, actor, **told)
        return export.address, export.box

    def _givable(self, tx: Transaction, export_id: UUID, actor: str) -> KeyExport:
        export = self._export(tx, export_id)
        if export.actor != actor:
            raise ExportNotApproved
        self._require_open(export)
        if len(export.approvals) < APPROVALS:
            raise ExportNotApproved(approvals=len(export.approvals))
        if export.given_at is not None:
            raise ExportGiven
        return export

    def _require_open(self, export: KeyExport) -> None:
        if self._clock.now() >= export.expires_at:
            raise ExportNotApproved(expired_at=export.expires_at.isoformat())

    def _require_free(self, tx: Transaction, address: str) -> None:
        """Held until the commit. Raises WalletInPlay, also while somebody is still owed of it: a key moves all."""
        contest = self._wallets.contest_of(tx, address)
        if contest is not None:
            contest = self._contests.lock(tx, contest.id)
            standing = self._wallets.standing(tx, contest)
            unpaid, is_busy = standing.unpaid, standing.is_busy or standing.unpaid > 0
            require_free(Free(state=contest.state, is_busy=is_busy, balance_lamports=0, unpaid_lamports=unpaid))

    def _export(self, tx: Transaction, export_id: UUID) -> KeyExport:
        row = tx.maybe(Q["export"], id=export_id)
        if row is None:
            raise ExportUnknown(export=str(export_id))
        return KeyExport.from_row(row)

    def _keep(self, tx: Transaction, verb: str, export_id: UUID, actor: str, **told: str) -> None:
        self._audit.record(tx, actor=actor, action=f"contests.{verb}", subject=f"export:{export_id}", details=told)


def _require_person(actor: str) -> None:
    if not actor.startswith(_PERSON):
        raise ExportByProgram


def _seal(key: bytes, sealed_to: bytes, address: str) -> bytes:
    """The box. Raises SealingKeyUnfit."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        return suite.encrypt(key, X25519PublicKey.from_public_bytes(sealed_to), DOMAIN + address.encode())
    except ValueError as unfit:
        raise SealingKeyUnfit from unfit


def key_exports_of(deps: Deps) -> KeyExports:
    """As this container is set up."""
    kernel = deps.kernel
    return KeyExports(
        kernel.postgres,
        deps.tasks,
        deps.contests,
        deps.wallet_books,
        lambda: kernel.vault,
        deps.clock,
        chain=deps.settings.chain,
        purpose=KEY_PURPOSE,
    )
