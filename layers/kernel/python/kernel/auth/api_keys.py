"""Owns API keys: `cp_<prefix>_<secret>`, shown once when issued, kept only as a hash.

The prefix finds the row and is safe to log; the secret has 256 random bits, so a plain SHA-256 of the whole key is as
good as a slow hash. Revoking takes effect with the next request, since nothing is cached.
"""

import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime

from kernel.audit import Audit
from kernel.auth.principal import Principal, Role, Tier
from kernel.clock import Clock, SystemClock
from kernel.errors import NotFound, Unauthorized
from kernel.hashes import sha256
from kernel.postgres import Postgres

_ALPHABET = string.ascii_letters + string.digits
_PREFIX_LENGTH, _SECRET_LENGTH = 12, 43  # 62^43 > 2^256
_FORM = re.compile(r"cp_(?P<prefix>[A-Za-z0-9]{12})_[A-Za-z0-9]{43}")
_WRITER = "counterpart_ops"

FIND = "select prefix, key_hash, tier, role from kernel.api_keys where prefix = %(prefix)s and revoked_at is null"
ISSUE = """
insert into kernel.api_keys (prefix, key_hash, tier, role, label, created_at)
values (%(prefix)s, %(key_hash)s, %(tier)s, %(role)s, %(label)s, %(created_at)s)
"""
REVOKE = "update kernel.api_keys set revoked_at = coalesce(revoked_at, %(revoked_at)s) where prefix = %(prefix)s"
LIST = "select prefix, tier, role, label, created_at, revoked_at from kernel.api_keys order by created_at, prefix"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A fresh key: `key` is shown now and never again."""

    prefix: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as operators see it."""

    prefix: str
    tier: Tier
    role: Role
    label: str
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """The table kernel.api_keys."""

    def __init__(self, postgres: Postgres, clock: Clock | None = None) -> None:
        self._postgres = postgres
        self._clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def issue(self, *, tier: Tier, role: Role, label: str, actor: str) -> IssuedKey:
        """A new key; `label` says for whom, 1 to 200 characters, `actor` who makes it."""
        prefix = _random_text(_PREFIX_LENGTH)
        key = f"cp_{prefix}_{_random_text(_SECRET_LENGTH)}"
        told = {"tier": tier.value, "role": role.label, "label": label}
        with self._postgres.transaction(role=_WRITER) as tx:
            tx.execute(
                ISSUE,
                prefix=prefix,
                key_hash=sha256(key.encode()),
                tier=tier.value,
                role=role.label,
                label=label,
                created_at=self._clock.now(),
            )
            self._audit.record(tx, actor=actor, action="api_keys.issue", subject=f"api_key:{prefix}", details=told)
        return IssuedKey(prefix=prefix, key=key)

    def principal(self, key: str) -> Principal:
        """Whose key it is. Raises Unauthorized for a malformed, unknown, wrong or revoked one, not saying which."""
        form = _FORM.fullmatch(key)
        if form is None:
            raise Unauthorized
        row = self._postgres.glance.maybe(FIND, prefix=form["prefix"])
        if row is None or not hmac.compare_digest(bytes(row["key_hash"]), sha256(key.encode())):
            raise Unauthorized
        return Principal(identity=f"key:{row['prefix']}", tier=Tier(row["tier"]), role=Role.of(row["role"]))

    def revoke(self, prefix: str, *, actor: str) -> None:
        """Refuse the key from now on; a second time changes nothing. Raises NotFound."""
        with self._postgres.transaction(role=_WRITER) as tx:
            if tx.execute(REVOKE, prefix=prefix, revoked_at=self._clock.now()) == 0:
                raise NotFound("There is no API key of this prefix.", prefix=prefix)
            self._audit.record(tx, actor=actor, action="api_keys.revoke", subject=f"api_key:{prefix}")

    def all(self) -> list[KeyRecord]:
        """Every key ever issued, oldest first."""
        with self._postgres.transaction(role=_WRITER) as tx:
            rows = tx.all(LIST)
        return [KeyRecord(**{**row, "tier": Tier(row["tier"]), "role": Role.of(row["role"])}) for row in rows]


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
