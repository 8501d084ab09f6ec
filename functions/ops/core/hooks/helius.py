"""Owns Helius' deliveries: raw webhooks, a list of transactions as getTransaction has them (pure).

The enhanced form tells Helius' reading of a transaction instead of what its programs said; it is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.ops.core.hooks.fields import DeliveryUnfit, elements, member, quantity

_ADDRESS: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_SIGNATURE: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{64,88}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedTransaction:
    """A transaction in a block. accounts: all that it names; programs: of its own instructions, in order."""

    signature: str
    slot: int
    succeeded: bool
    accounts: frozenset[str]
    programs: tuple[str, ...]
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SolanaNotice:
    """What a delivery tells of a Solana cluster."""

    cluster: str
    transactions: tuple[LandedTransaction, ...]

    @property
    def chain(self) -> str:
        """The cluster's name in the house."""
        return f"solana:{self.cluster}"


def notice_of(payload: Any, cluster: str) -> SolanaNotice:
    """What a delivery tells; it names no cluster, the settings do. Raises DeliveryUnfit."""
    if not isinstance(payload, list):
        raise DeliveryUnfit("body", "is no list")
    return SolanaNotice(cluster, tuple(_landed(one, str(index)) for index, one in enumerate(payload)))


def _landed(found: Any, at: str) -> LandedTransaction:
    transaction, meta = member(found, "transaction", at), member(found, "meta", at)
    message = member(transaction, "message", f"{at}.transaction")
    keys = [*_texts(message, "accountKeys", f"{at}.transaction.message", _ADDRESS), *_loaded(meta, f"{at}.meta")]
    signatures = [*_texts(transaction, "signatures", f"{at}.transaction", _SIGNATURE)]
    if not signatures:
        raise DeliveryUnfit(f"{at}.transaction.signatures", "is empty")
    return LandedTransaction(
        signature=signatures[0],
        slot=quantity(found, "slot", at),
        succeeded=member(meta, "err", f"{at}.meta") is None,
        accounts=frozenset(keys),
        programs=tuple(_programs(message, f"{at}.transaction.message", keys)),
        logs=tuple(_logs(meta, f"{at}.meta")),
    )


def _programs(message: Any, at: str, keys: list[str]) -> Iterator[str]:
    for instruction, where in elements(message, "instructions", at):
        index = quantity(instruction, "programIdIndex", where)
        if index >= len(keys):
            raise DeliveryUnfit(f"{where}.programIdIndex", "names no account of the transaction")
        yield keys[index]


def _loaded(meta: Any, at: str) -> Iterator[str]:
    """Addresses from lookup tables: writable ones count before readonly ones."""
    loaded = meta.get("loadedAddresses") if isinstance(meta, Mapping) else None
    if loaded is not None:
        for name in ("writable", "readonly"):
            yield from _texts(loaded, name, f"{at}.loadedAddresses", _ADDRESS)


def _logs(meta: Any, at: str) -> Iterator[str]:
    """A node that keeps no logs says null: then nothing is read out of the transaction."""
    return iter(()) if member(meta, "logMessages", at) is None else _texts(meta, "logMessages", at, None)


def _texts(node: Any, name: str, at: str, form: re.Pattern[str] | None) -> Iterator[str]:
    for one, where in elements(node, name, at):
        if not isinstance(one, str) or (form is not None and not form.fullmatch(one)):
            raise DeliveryUnfit(where, "is no text of the expected form")
        yield one
