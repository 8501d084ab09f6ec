"""Which tokens may be played with: put on the list by whoever pays for it, taken off by administrators.

1. The fee is a transfer of exactly 1 SOL, less one percent a level, from the wallet that asks to the treasury's;
   verified as entries are, and good for one addition, ever. Who has risen since it was paid is not refused.
2. The mint's account is read, finalized and by a quorum: its decimals are the chain's, not the caller's.
3. Row, postings and audit are one commit. Who loses a race for the same token is not charged: the transfer is bound to
   no row, and pays for another token.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.payments import Payments
from functions.contests.adapters.pools import OUTSIDE, SERVICE, TREASURY
from functions.contests.core.entry import Fee, require_paid
from functions.contests.core.whitelist import (
    Mint,
    MintUnfit,
    TokenListed,
    checked_text,
    fee_lamports,
    fees_lamports,
    mint_of,
)
from kernel.audit import Audit
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import new_id
from kernel.ledger import Account, Ledger, Posting
from kernel.postgres import Queries, Statements, Transaction
from kernel.solana.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM

if TYPE_CHECKING:
    from functions.contests.wiring import Deps
    from kernel.clock import Clock
    from kernel.postgres import Postgres
    from kernel.solana.pool import SolanaPool

Q: Final = Queries.load(Path(__file__).with_name("whitelist.sql"))
TOKEN_PROGRAMS: Final = frozenset({TOKEN_PROGRAM, TOKEN_2022_PROGRAM})
DETAILS_MAX: Final = 10


class TokenNotListed(Invalid):
    """A token is not one that may be played with."""

    cause = "It is not on the list of GET /v1/contests/whitelist, or was taken off it."
    remedy = "Choose tokens of the list, or have it put there."
    example = '{"mints": "So11111111111111111111111111111111111111112"}'


class TokenAbsent(NotFound):
    """This token is not on the list."""

    cause = "It never was, or somebody took it off."
    remedy = "Take mints from GET /v1/contests/whitelist."


class FeeSpent(Conflict):
    """This transfer has paid for something else already."""

    cause = "Its signature was given with another token or by another wallet."
    remedy = "Make a transfer of its own for each addition."


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedToken:
    """A row of the list."""

    id: UUID
    mint: str
    symbol: str
    name: str
    decimals: int
    program: str
    added_by: str
    fee_lamports: int
    signature: str | None
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What a wallet asks for, and the transfer that it paid with; none where an administrator adds it."""

    mint: str
    symbol: str
    name: str
    wallet: str
    signature: str | None


class Whitelist:
    """The tokens that may be played with."""

    def __init__(
        self,
        postgres: Postgres,
        pool: Callable[[], SolanaPool],
        clock: Clock,
        *,
        cluster: str,
        treasury: str,
        asset: str,
        experience: Callable[[Statements, str], int],
    ) -> None:
        """experience: what a wallet has, whose level makes the fee."""
        self._postgres, self._pool, self._clock = postgres, pool, clock
        self._cluster, self._treasury, self._asset = cluster, treasury, asset
        self._experience = experience
        self._ledger, self._audit = Ledger(clock), Audit(postgres, clock)

    def allowed(self, tx: Statements, mints: Collection[str]) -> frozenset[str]:
        """Those of the tokens that may be played with."""
        return frozenset(row["mint"] for row in tx.all(Q["allowed"], mints=sorted(set(mints))))

    def require(self, tx: Statements, mints: Collection[str]) -> None:
        """Raises TokenNotListed unless every one may be played with."""
        missing = sorted(set(mints) - self.allowed(tx, mints))
        if missing:
            raise TokenNotListed(mints=", ".join(mint[:44] for mint in missing[:DETAILS_MAX]))

    def page(self, before: UUID | None, *, limit: int) -> list[ListedToken]:
        """What may be played with, the newest first, before one of them."""
        with self._postgres.transaction() as tx:
            return [ListedToken(**row) for row in tx.all(Q["page"], before=before, limit=limit)]

    def fee_of(self, wallet: str) -> int:
        """What an addition costs a wallet now, in lamports."""
        with self._postgres.transaction() as tx:
            return fee_lamports(self._experience(tx, wallet))

    def add(self, asked: Addition) -> ListedToken:
        """Put a token on the list, paid for by its transfer; the same again finds itself.

        Raises TokenTextUnfit, MintUnfit, TokenListed, FeeSpent, EntryNotFinal, EntryUnfit, NoQuorum.
        """
        checked_text(asked.symbol, asked.name)
        with self._postgres.transaction() as tx:
            found = self._found(tx, asked)
            experience = self._experience(tx, asked.wallet)
        if found is not None:
            return found
        mint, program = self._mint(asked.mint)
        fee = self._paid(asked, asked.signature, experience) if asked.signature else 0
        with self._postgres.transaction() as tx:
            return self._stored(tx, asked, mint, program, experience, fee)

    def remove(self, mint: str, *, actor: str, reason: str) -> None:
        """Take a token off the list; contests that have it go on with it. Raises TokenAbsent."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["remove"], mint=mint, now=self._clock.now(), actor=actor, reason=reason)
            if row is None:
                raise TokenAbsent(mint=mint[:44])
            self._audit.record(
                tx, actor=actor, action="contests.remove_token", subject=f"token:{mint}", details={"reason": reason}
            )

    def _paid(self, asked: Addition, signature: str, experience: int) -> int:
        """What the transfer has paid. Raises EntryNotFinal, EntryUnfit for another amount, sender or recipient."""
        seen = Payments(self._pool(), self._cluster).look(signature).seen
        came = {one.lamports for one in seen.transfers if one.destination == self._treasury} if seen else set()
        fees = fees_lamports(experience)
        fee = next((fee for fee in fees if fee in came), fees[-1])
        require_paid(seen, Fee(entrant=asked.wallet, wallet=self._treasury, lamports=fee))
        return fee

    def _found(self, tx: Transaction, asked: Addition) -> ListedToken | None:
        """What the request has done already. Raises FeeSpent, TokenListed for what somebody else did."""
        if asked.signature is not None and (spent := tx.maybe(Q["paid_by"], signature=asked.signature)):
            is_same = (spent["mint"], spent["added_by"]) == (asked.mint, asked.wallet)
            if not is_same or spent.pop("removed_at") is not None:
                raise FeeSpent(signature=asked.signature)
            return ListedToken(**spent)
        if tx.maybe(Q["token"], mint=asked.mint) is not None:
            raise TokenListed(mint=asked.mint)
        return None

    def _stored(
        self, tx: Transaction, asked: Addition, mint: Mint, program: str, experience: int, fee: int
    ) -> ListedToken:
        row = tx.maybe(
            Q["add"],
            id=new_id(),
            mint=asked.mint,
            symbol=asked.symbol,
            name=asked.name,
            decimals=mint.decimals,
            program=program,
            added_by=asked.wallet,
            experience=experience,
            fee_lamports=fee,
            signature=asked.signature,
            now=self._clock.now(),
        )
        if row is None:  # somebody was faster: with this transfer, or with this token
            found = self._found(tx, asked)
            if found is None:
                raise TokenListed(mint=asked.mint)
            return found
        self._book(tx, asked, fee)
        return ListedToken(**tx.one(Q["token"], mint=asked.mint))

    def _book(self, tx: Transaction, asked: Addition, fee: int) -> None:
        told = {"mint": asked.mint, "symbol": asked.symbol, "fee_lamports": str(fee)}
        self._audit.record(
            tx,
            actor=f"person:solana:{asked.wallet}" if asked.signature else asked.wallet,
            action="contests.add_token",
            subject=f"token:{asked.mint}",
            details=told,
        )
        if fee:
            names = (OUTSIDE, TREASURY)
            self._ledger.open(tx, [Account(name=name, asset=self._asset, may_go_negative=True) for name in names])
            postings = [Posting(OUTSIDE, self._asset, -fee), Posting(TREASURY, self._asset, fee)]
            key = f"contests:whitelist:{asked.signature}"
            self._ledger.post(tx, business_key=key, service=SERVICE, postings=postings)

    def _mint(self, address: str) -> tuple[Mint, str]:
        pool = self._pool()
        [account] = pool.agreed_accounts([address], quorum=pool.unreduced())
        if account is None or account.owner not in TOKEN_PROGRAMS:
            raise MintUnfit(mint=address)
        return mint_of(address, account.data), account.owner


def whitelist_of(deps: Deps) -> Whitelist:
    """The list as this container is set up."""
    settings = deps.settings
    return Whitelist(
        deps.kernel.postgres,
        lambda: deps.pool,
        deps.clock,
        cluster=settings.cluster,
        treasury=settings.treasury,
        asset=settings.asset,
        experience=deps.experience.of,
    )
