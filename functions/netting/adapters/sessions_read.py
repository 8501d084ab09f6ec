"""Reads session keys for those who check signatures by them; they are written by the handlers of session keys."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from functions.netting.core.intents import IntentType, Session
from functions.netting.core.pace import Pace
from functions.netting.core.times import unix_ms
from kernel.postgres import Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("intake.sql"))
#: So many sessions of one owner are tried where a counter-signature names none.
SESSIONS_TRIED: Final = 4


def locked(tx: Transaction, keys: Collection[str]) -> tuple[dict[str, Session], dict[str, Pace]]:
    """What these keys may do, and how fast they have signed, until the transaction ends."""
    rows = tx.all(Q["lock_sessions"], keys=sorted(set(keys)))
    return {row["key"]: _session(row) for row in rows}, {row["key"]: _pace(row) for row in rows}


def trading(tx: Transaction, owners: Collection[str], now: datetime) -> dict[str, list[str]]:
    """The newest sessions of each owner that may trade."""
    found: dict[str, list[str]] = {owner: [] for owner in owners}
    for row in tx.all(Q["trading_sessions"], owners=sorted(owners), now=now, most=SESSIONS_TRIED):
        found[row["owner"]].append(row["key"])
    return found


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        key=row["key"],
        owner=row["owner"],
        max_volume_lamports=row["max_volume_lamports"],
        used_volume_lamports=row["used_volume_lamports"],
        allowed=frozenset(map(IntentType, row["allowed_actions"])),
        expires_at=unix_ms(row["expires_at"]),
        is_revoked=row["state"] != "active",
    )


def _pace(row: Mapping[str, Any]) -> Pace:
    return Pace(second=row["pace_second"], count=row["pace_count"], before=row["pace_before"])
