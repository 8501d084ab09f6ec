"""Owns who becomes an administrator: one wants a wallet to be one, and another one, who wants the same, agrees.

Nobody makes those who agree to what he asks for. Who agrees was an administrator before it was asked for, and by
somebody else's word than the asker's. The first administrators are made by programs, whose keys nobody makes but the
command, with the database at hand (`make api-key`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.auth.principal import Tier
from kernel.errors import Forbidden
from kernel.postgres import Statements, Transaction

#: So long another one may agree.
LIVES: Final = timedelta(hours=24)

OWES = """
select exists (select from kernel.people
               where 'person:' || subject = %(actor)s
                 and (granted_by = %(to)s or granted_by like 'key:%%' or changed_at >= %(since)s)) as owes
"""
MADE = "select from kernel.people where 'person:' || subject = %(whom)s and granted_by = %(by)s"
WANTED = "select * from kernel.administrators_wanted where subject = %(subject)s for update"
WANT = """
insert into kernel.administrators_wanted (subject, tier, asked_by, asked_at, expires_at)
values (%(subject)s, %(tier)s, %(actor)s, %(now)s, %(until)s)
on conflict (subject) do update
set tier = excluded.tier, asked_by = excluded.asked_by, asked_at = excluded.asked_at, expires_at = excluded.expires_at
"""
DROP = "delete from kernel.administrators_wanted where subject = %(subject)s or asked_by = 'person:' || %(subject)s"
LIST = "select * from kernel.administrators_wanted where expires_at > %(now)s order by subject"


class OwnGrant(Forbidden):
    """Nobody agrees to an administrator of his own."""

    cause = "Who agrees owes his role to the asker or to a program, got it since, or has made the asker."
    remedy = "Have somebody agree who was an administrator before, by another one's grant."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A wallet that is to be an administrator, and who says so; another one has to agree before it expires."""

    subject: str
    tier: Tier
    asked_by: str
    asked_at: datetime
    expires_at: datetime


def owes_role(tx: Statements, actor: str, *, to: str, since: datetime) -> bool:
    """Whether somebody was made an administrator by another, by a program's key, or by anybody since then."""
    return bool(tx.one(OWES, actor=actor, to=to, since=since)["owes"])


def agree(tx: Transaction, subject: str, tier: Tier, *, actor: str, now: datetime) -> Wanted | None:
    """What another one has asked for, and this one agrees to now; None: he is the one who asks.

    Raises OwnGrant.
    """
    row = tx.maybe(WANTED, subject=subject)
    wanted = None if row is None else Wanted(**{**row, "tier": Tier(row["tier"])})
    if wanted is None or wanted.asked_by == actor or wanted.tier is not tier or now >= wanted.expires_at:
        tx.execute(WANT, subject=subject, tier=tier.value, actor=actor, now=now, until=now + LIVES)
        return None
    has_made = tx.maybe(MADE, whom=wanted.asked_by, by=actor) is not None
    if has_made or owes_role(tx, actor, to=wanted.asked_by, since=wanted.asked_at):
        raise OwnGrant
    return wanted


def forget(tx: Transaction, subject: str) -> int:
    """Drop what is wanted for a wallet, and by whoever signs in with it; how many."""
    return tx.execute(DROP, subject=subject)


def waiting(tx: Statements, now: datetime) -> list[Wanted]:
    """All that may still be agreed to."""
    return [Wanted(**{**row, "tier": Tier(row["tier"])}) for row in tx.all(LIST, now=now)]
