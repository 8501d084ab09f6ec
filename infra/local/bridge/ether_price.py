"""Ether's price where no oracle runs: told by hand, and repeated so that it stays fresh.

A worker that serves one bridge has no voting rounds of Flare beside it. The bridge needs the price for one thing only:
how deep a deposit must lie for what it is worth.
"""

import threading
from typing import Final, Self

from kernel.postgres import Postgres

SYMBOL: Final = "ETH/USD"
ROLE: Final = "counterpart_oracle"
EVERY_S: Final = 20.0
#: As many as a price needs that the kernel takes for one.
SOURCES: Final = 3
_FEED: Final = """
    insert into oracle.feeds (reward_epoch, position, feed_id, symbol, decimals)
    values (0, 0, %(feed_id)s, %(symbol)s, 2) on conflict do nothing
"""
_PRICE: Final = """
    insert into oracle.aggregates
        (voting_round, symbol, decided_at, window_start, consensus, confidence, sources, left_out, flagged)
    values (extract(epoch from clock_timestamp())::bigint, %(symbol)s, now(), now(), %(price)s, 0, %(sources)s, '{}',
        false)
    on conflict do nothing
"""


class EtherPrice:
    """Tells a database one price of ether until it is closed; a context manager."""

    def __init__(self, database_url: str, usd: float) -> None:
        self._postgres, self._usd = Postgres(database_url, role=ROLE), usd
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ether-price", daemon=True)

    def tell(self) -> None:
        """Tell it once."""
        said = {f"told by hand {number}": [self._usd, 1.0] for number in range(SOURCES)}
        with self._postgres.transaction() as tx:
            tx.execute(_FEED, feed_id=b"\x01" + SYMBOL.encode().ljust(20, b"\0"), symbol=SYMBOL)
            tx.execute(_PRICE, symbol=SYMBOL, price=self._usd, sources=said)

    def _run(self) -> None:
        while not self._closed.wait(EVERY_S):
            self.tell()

    def __enter__(self) -> Self:
        self.tell()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        self._postgres.close()
