"""Owns what a person may do who signs in with a wallet: a role and a tier by address, granted by an administrator.

An administrator's role is granted by two of them (kernel/auth/administrators.py).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel import siws
from kernel.audit import Audit
from kernel.auth import administrators
from kernel.auth.administrators import Wanted
from kernel.auth.principal import Role, Tier
from kernel.clock import Clock, SystemClock
from kernel.errors import Invalid, NotFound
from kernel.evm.addresses import AddressInvalid, checksum
from kernel.postgres import Postgres, Transaction

_WRITER: Final = "counterpart_ops"

FIND = "select role, tier from kernel.people where subject = %(subject)s"
GRANT = """
insert into kernel.people (subject, role, tier, granted_by, changed_at)
values (%(subject)s, %(role)s, %(tier)s, %(actor)s, %(now)s)
on conflict (subject) do update
set role = excluded.role, tier = excluded.tier, granted_by = excluded.granted_by, changed_at = excluded.changed_at
"""
FORGET = "delete from kernel.people where subject = %(subject)s"
LIST = "select subject, role, tier, granted_by, changed_at from kernel.people order by subject"


class NoWallet(Invalid):
    """This names no wallet."""

    code = "no_wallet"
    status = 422
    cause = "A wallet is evm:<20 bytes in hexadecimal, whose checksum holds> or solana:<32 bytes in base58>."
    remedy = "Copy the address again from its source."
    example = '{"subject": "solana:0OIl"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a wallet may, and how often."""

    role: Role
    tier: Tier


#: Any wallet can sign in; that alone lets it read what is its own.
EVERYBODY: Final = Standing(role=Role.VIEWER, tier=Tier.PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A grant as administrators see it; `subject` is "evm:<address>" or "solana:<address>"."""

    subject: str
    role: Role
    tier: Tier
    granted_by: str
    changed_at: datetime


def canonical(subject: str) -> str:
    """A wallet's one name: "evm:<EIP-55 address>" or "solana:<address>". Raises NoWallet."""
    family, _, address = subject.partition(":")
    with suppress(AddressInvalid):
        if family == "evm":
            return f"evm:{checksum(address)}"
    if family == "solana" and siws.is_address(address):
        return subject
    raise NoWallet(subject=subject[:80])


class People:
    """The table kernel.people. Only ops may write it."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def standing(self, subject: str) -> Standing:
        """What this wallet may; what everybody may unless somebody said otherwise."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(FIND, subject=subject)
        return EVERYBODY if row is None else Standing(role=Role.of(row["role"]), tier=Tier(row["tier"]))

    def grant(self, subject: str, *, role: Role, tier: Tier, actor: str) -> datetime | None:
        """Let a wallet do this from its next sign-in or renewal on. Role.NOBODY bars it.

        An administrator is one when another one has asked for the same: until when, while that is not so.
        Raises NoWallet, OwnGrant.
        """
        subject, told, now = canonical(subject), {"role": role.label, "tier": tier.value}, self._clock.now()
        with self._postgres.transaction(role=_WRITER) as tx:
            by = actor
            if role is Role.ADMIN:
                wanted = administrators.agree(tx, subject, tier, actor=actor, now=now)
                if wanted is None:
                    self._keep(tx, "people.want_administrator", subject, actor, **told)
                    return now + administrators.LIVES
                by, told = wanted.asked_by, {**told, "asked_by": wanted.asked_by}
            administrators.forget(tx, subject)
            tx.execute(GRANT, subject=subject, role=role.label, tier=tier.value, actor=by, now=now)
            self._keep(tx, "people.grant", subject, actor, **told)
        return None

    def wanted(self) -> list[Wanted]:
        """Administrators who are asked for, and nobody has agreed to yet."""
        with self._postgres.transaction(role=_WRITER) as tx:
            return administrators.waiting(tx, self._clock.now())

    def forget(self, subject: str, *, actor: str) -> None:
        """Take the grant back, or what is wanted: the wallet may what everybody may. Raises NotFound, NoWallet."""
        subject = canonical(subject)
        with self._postgres.transaction(role=_WRITER) as tx:
            if administrators.forget(tx, subject) + tx.execute(FORGET, subject=subject) == 0:
                raise NotFound("Nothing was granted to this wallet.", subject=subject)
            self._keep(tx, "people.forget", subject, actor)

    def all(self) -> list[Person]:
        """Every grant, by wallet."""
        with self._postgres.transaction() as tx:
            rows = tx.all(LIST)
        return [Person(**{**row, "role": Role.of(row["role"]), "tier": Tier(row["tier"])}) for row in rows]

    def _keep(self, tx: Transaction, action: str, subject: str, actor: str, **told: str) -> None:
        self._audit.record(tx, actor=actor, action=action, subject=f"person:{subject}", details=told)
