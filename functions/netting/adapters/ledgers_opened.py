"""Ledgers in the program: opened for the wallets that a batch is to pay, before anything of it is sent.

Anybody may open anybody's ledger, so an opening that fails may mean that there is one: the chain is read again, and
says. The authority pays the rent, which stays in the ledger for good.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from functions.netting.adapters.obligations import Effect, Obligations, rent_lamports
from functions.netting.adapters.program_accounts import LEDGER_SIZE_BYTES, Calls
from kernel.clock import Clock
from kernel.postgres import Queries, Transaction

logger = logging.getLogger(__name__)

Q: Final = Queries.load(Path(__file__).with_name("ledgers.sql"))
#: An opening that fails may find the ledger opened by another; one that goes on failing calls a person.
OPENINGS_ALARMED: Final = 3
#: As many as fit into a packet.
OPENINGS_MAX: Final = 10
#: Measured: 6 800 where the address is found at once, and 1 500 more for each step of the search.
OPENING_UNITS: Final = 40_000


class Ledgers:
    """Which wallets have a ledger, as far as is known here."""

    def __init__(self, calls: Calls, obligations: Obligations, clock: Clock) -> None:
        self._calls, self._obligations, self._clock = calls, obligations, clock

    def unknown(self, tx: Transaction, wallets: Collection[str]) -> list[str]:
        """Those of which nobody has seen a ledger, in order."""
        return [row["wallet"] for row in tx.all(Q["wallets_unknown"], wallets=sorted(wallets))]

    def seen(self, tx: Transaction, wallets: Collection[str]) -> None:
        """They have ledgers, final."""
        if wallets:
            tx.execute(Q["ledgers_seen"], wallets=sorted(wallets), now=self._clock.now())

    def open(self, tx: Transaction, wallets: Collection[str]) -> int:
        """Record the openings that are not on their way; how many wallets are opened now.

        Raises what `Obligations.record` raises.
        """
        rows = tx.all(Q["wallets_to_open"], wallets=sorted(wallets))
        if any(row["openings"] >= OPENINGS_ALARMED for row in rows):
            logger.error("A ledger cannot be opened.", extra={"alarm": "netting.ledger_openings"})
        for start in range(0, len(rows), OPENINGS_MAX):
            some = [row["wallet"] for row in rows[start : start + OPENINGS_MAX]]
            self._open(tx, some, f"netting:ledgers:{some[0]}:{rows[start]['openings']}")
        return len(rows)

    def _open(self, tx: Transaction, wallets: Sequence[str], key: str) -> None:
        effect = Effect(
            key=key,
            instructions=[self._calls.open_ledger(wallet) for wallet in wallets],
            units=OPENING_UNITS * len(wallets),
            rent_lamports=rent_lamports(LEDGER_SIZE_BYTES) * len(wallets),
            reason="opens ledgers",
        )
        self._obligations.record(tx, effect)
        tx.execute(Q["ledgers_on_their_way"], wallets=list(wallets), transfer=key)

    def ended(self, tx: Transaction, transfer: str, *, confirmed: bool) -> None:
        """The obligation of a key is over; nothing happens to one of another purpose."""
        tx.execute(Q["openings_ended"], transfer=transfer, confirmed=confirmed, now=self._clock.now())
