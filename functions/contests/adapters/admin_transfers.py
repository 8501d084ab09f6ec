"""Transfers that administrators ask for: lamports or tokens, of a wallet whose key we hold, once per (batch, line).

1. `_look` reads the chain: what the source and the recipients hold, and of a token its decimals and program.
2. In one transaction, during which no wallet is given to a contest: the contest of the source's wallet is held, and
   must be over; the lines that are new are stored, each with its obligation in the outbox and one act in the audit log.
   What was asked for before is compared, and not asked for again, whatever has become of the wallet since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from functions.contests.adapters.contests import Contests
from functions.contests.adapters.effects import TOKEN_UNITS, TRANSFER_UNITS, Effect, Effects
from functions.contests.adapters.mints import Mints, TokenMint
from functions.contests.adapters.pools import Moved, Pools
from functions.contests.adapters.wallet_books import NotOurWallet, Standing, WalletBooks
from functions.contests.core.sweep import can_receive
from functions.contests.core.transfers import (
    AmountUnfit,
    Free,
    reclaimable,
    require_amount,
    require_free,
    require_lines,
    require_no_entry,
)
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.outbox.solana import SolanaEntry, State
from kernel.postgres import Postgres, Queries, Transaction
from kernel.solana.addresses import associated_token_address
from kernel.solana.tokens import create_token_account, token_transfer
from kernel.solana.transactions import system_transfer

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("admin_transfers.sql"))


class AdminTransferChanged(Conflict):
    """This line of the batch asks for another transfer already."""

    cause = "The same batch and line came with another source, recipient, mint or amount."
    remedy = "Name another batch, or number the line anew."


class BatchUnknown(NotFound):
    """There is no such batch."""

    code = "transfer_batch_unknown"
    cause = "The name is misspelt, or nothing of it was ever asked for."
    remedy = "Use the name with which its transfers were asked for."


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line. amount: lamports, or units of the mint."""

    line: int
    recipient: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Why, by whom, under which name, and of whose money."""

    batch: str
    source: str
    actor: str
    reason: str
    mint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the chain said, and how the books stood before."""

    standing: Standing | None
    holdings: Mapping[str, int]
    mint: TokenMint | None


class AdminTransfers:
    """The table contests.admin_transfers."""

    def __init__(
        self,
        postgres: Postgres,
        contests: Contests,
        wallets: WalletBooks,
        pools: Pools,
        effects: Effects,
        mints: Mints,
        clock: Clock,
        *,
        fee_payer: str,
        treasury: str,
    ) -> None:
        self._postgres, self._contests, self._wallets = postgres, contests, wallets
        self._pools, self._effects, self._mints, self._clock = pools, effects, mints, clock
        self._fee_payer, self._treasury = fee_payer, treasury
        self._audit = Audit(postgres, clock)

    def transfer(self, asked: Asked, lines: Sequence[Wanted]) -> None:
        """Move lamports or tokens, once per (batch, line).

        Raises BatchUnfit, NotOurWallet, WalletInPlay, AmountUnfit, MintUnfit, AdminTransferChanged, ServiceHalted,
        NoQuorum.
        """
        require_lines([one.line for one in lines])
        look = self._look(asked, [one.recipient for one in lines])
        with self._postgres.transaction() as tx:
            known = self._known(tx, asked, "transfer", [one.line for one in lines])
            fresh = _fresh(asked, known, lines)
            if fresh:
                free = self._free(tx, asked, look)
                if asked.mint is None:
                    require_amount(free, sum(one.amount for one in fresh))
                    self._require_receivers(tx, fresh, look)
                self._add(tx, asked, "transfer", fresh, look)

    def reclaim(self, asked: Asked, leaving_lamports: int) -> None:
        """Move what a wallet does not need to the treasury, once per batch. Raises what `transfer` raises."""
        look = self._look(asked, [self._treasury])
        with self._postgres.transaction() as tx:
            if not self._known(tx, asked, "reclaim", [0]):
                wanted = Wanted(0, self._treasury, reclaimable(self._free(tx, asked, look), leaving_lamports))
                self._add(tx, asked, "reclaim", [wanted], look)

    def batch(self, name: str, *, after: int, limit: int) -> list[dict[str, Any]]:
        """What became of a batch's lines, behind one of them. Raises BatchUnknown."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["transfers"], batch=name, after=after, limit=limit)
        if not rows and after < 0:
            raise BatchUnknown(batch=name)
        return rows

    def ended(self, tx: Transaction, entry: SolanaEntry) -> None:
        """Book a transfer of lamports from or to a contest's wallet."""
        row = tx.one(Q["transfer_of"], entry_key=entry.business_key)
        if entry.state != State.CONFIRMED or row["mint"] is not None:
            return
        parties = [self._wallets.contest_of(tx, row[name]) for name in ("source", "recipient")]
        for contest_id in sorted(party.id for party in parties if party is not None):
            self._contests.lock(tx, contest_id)
        source, recipient = (None if party is None else party.id for party in parties)
        other = row["recipient"] if recipient is None else row["source"]
        moved = Moved(
            source=source,
            recipient=recipient,
            lamports=int(row["amount"]),
            found=row["found_lamports"],
            is_treasurys=other in (self._treasury, self._fee_payer),
        )
        self._pools.move(tx, entry.business_key, moved)

    def _look(self, asked: Asked, recipients: Sequence[str]) -> _Look:
        """Raises NotOurWallet, MintUnfit, NoQuorum."""
        with self._postgres.transaction() as tx:
            if asked.source != self._fee_payer and not tx.one(Q["is_ours"], address=asked.source)["ours"]:
                raise NotOurWallet(address=asked.source)
            contest = self._wallets.contest_of(tx, asked.source)
            standing = None if contest is None else self._wallets.standing(tx, contest)
        mint = None if asked.mint is None else self._mints.read(asked.mint)
        slot = 0 if standing is None else standing.slot
        holdings = self._wallets.holdings({asked.source, *recipients}, as_of_slot=slot)
        return _Look(standing=standing, holdings=holdings, mint=mint)

    def _known(self, tx: Transaction, asked: Asked, kind: str, lines: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Those of these lines that were asked for before; the batch is held. Raises AdminTransferChanged."""
        tx.all(Q["hold_batch"], batch=asked.batch)
        known = {row["line"]: row for row in tx.all(Q["asked"], batch=asked.batch, lines=list(lines))}
        for line, row in known.items():
            if (row["kind"], row["source"], row["mint"]) != (kind, asked.source, asked.mint):
                raise AdminTransferChanged(batch=asked.batch, line=line)
        return known

    def _free(self, tx: Transaction, asked: Asked, look: _Look) -> Free:
        """The source, held until the commit. Raises WalletInPlay."""
        contest = self._wallets.contest_of(tx, asked.source)
        balance = look.holdings[asked.source]
        if contest is None:
            return Free(state=None, is_busy=False, balance_lamports=balance, unpaid_lamports=0)
        contest = self._contests.lock(tx, contest.id)
        standing = self._wallets.standing(tx, contest)
        free = Free(
            state=contest.state,
            is_busy=standing.is_busy or standing != look.standing,
            balance_lamports=balance,
            unpaid_lamports=standing.unpaid,
        )
        require_free(free)
        return free

    def _require_receivers(self, tx: Transaction, lines: Sequence[Wanted], look: _Look) -> None:
        for one in lines:
            contest = self._wallets.contest_of(tx, one.recipient)
            require_no_entry(None if contest is None else contest.state)
            if not can_receive(one.amount, look.holdings[one.recipient]):
                raise AmountUnfit(recipient=one.recipient)

    def _add(self, tx: Transaction, asked: Asked, kind: str, lines: Sequence[Wanted], look: _Look) -> None:
        """Store the lines, owe each, and keep who asked."""
        total = sum(one.amount for one in lines)
        found = 0 if look.standing is None else max(0, look.holdings[asked.source] - look.standing.booked)
        rows = [
            {
                **asdict(one),
                "kind": kind,
                "source": asked.source,
                "mint": asked.mint,
                "decimals": look.mint and look.mint.decimals,
                "amount": str(one.amount),
                "found_lamports": min(found, total) if one == lines[0] and asked.mint is None else 0,
                "entry_key": _key(asked, one),
            }
            for one in lines
        ]
        told = {"batch": asked.batch, "actor": asked.actor, "reason": asked.reason, "now": self._clock.now()}
        added = tx.all(Q["add_transfers"], lines=Jsonb(rows), **told)
        if len(added) < len(lines):
            raise AdminTransferChanged(batch=asked.batch)
        self._effects.record(tx, [self._effect(asked, one, look.mint) for one in lines])
        details = {"source": asked.source, "lines": len(lines), "amount": str(total), "reason": asked.reason}
        details |= {"mint": asked.mint} if asked.mint else {}
        self._audit.record(
            tx, actor=asked.actor, action=f"contests.{kind}", subject=f"batch:{asked.batch}", details=details
        )

    def _effect(self, asked: Asked, one: Wanted, mint: TokenMint | None) -> Effect:
        if mint is None:
            instructions = (system_transfer(asked.source, one.recipient, one.amount),)
            return Effect(key=_key(asked, one), wallet=asked.source, instructions=instructions, units=TRANSFER_UNITS)
        source, destination = (
            associated_token_address(owner, mint.address, program=mint.program)
            for owner in (asked.source, one.recipient)
        )
        opening = create_token_account(self._fee_payer, one.recipient, mint=mint.address, program=mint.program)
        moving = token_transfer(
            source,
            destination,
            asked.source,
            mint=mint.address,
            amount=one.amount,
            decimals=mint.decimals,
            program=mint.program,
        )
        return Effect(key=_key(asked, one), wallet=asked.source, instructions=(opening, moving), units=TOKEN_UNITS)


def _fresh(asked: Asked, known: Mapping[int, Mapping[str, Any]], lines: Sequence[Wanted]) -> list[Wanted]:
    """The lines that were never asked for. Raises AdminTransferChanged."""
    for one in lines:
        before = known.get(one.line)
        if before is not None and (before["recipient"], int(before["amount"])) != (one.recipient, one.amount):
            raise AdminTransferChanged(batch=asked.batch, line=one.line)
    return [one for one in lines if one.line not in known]


def _key(asked: Asked, one: Wanted) -> str:
    return f"contests:admin:{asked.batch}:{one.line}"


def admin_transfers_of(deps: Deps) -> AdminTransfers:
    """As this container is set up."""
    settings = deps.settings
    return AdminTransfers(
        deps.kernel.postgres,
        deps.contests,
        deps.wallet_books,
        deps.pools,
        deps.effects,
        Mints(deps.pool),
        deps.clock,
        fee_payer=settings.fee_payer,
        treasury=settings.treasury,
    )
