"""What happens to orders, as the bridge's own history tells it: a line a step."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from kernel.postgres import Postgres, Queries

Q: Final = Queries.load(Path(__file__).with_name("steps.sql"))
#: A row may be seen after rows with higher numbers, whose transactions were quicker; not after so many.
OVERLAP_ROWS: Final = 1_000
WEI_PER_ETHER: Final = 10**18


class Steps:
    """The steps and errors of one database that were not told yet; a context manager."""

    def __init__(self, database_url: str) -> None:
        self._postgres = Postgres(database_url)
        self._told: dict[str, set[int]] = {"steps": set(), "errors": set()}

    def news(self) -> list[str]:
        """A line each, in the order in which they happened."""
        rows = [row for name in self._told for row in self._new(name)]
        return [line(row) for row in sorted(rows, key=lambda row: (row["happened_at"], row["id"]))]

    def _new(self, name: str) -> Iterator[Mapping[str, Any]]:
        told = self._told[name]
        after = max(told, default=0) - OVERLAP_ROWS
        with self._postgres.transaction() as tx:
            rows = tx.all(Q[name], after=after)
        for row in rows:
            if row["id"] not in told:
                told.add(row["id"])
                yield row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.close()


def line(row: Mapping[str, Any]) -> str:
    """One step or error, as "12:01:02  zksync/17     transfer   processing -> transferring   0.01 ETH"."""
    generation = f" (generation {row['generation']})" if row["generation"] > 1 else ""
    order = f"{row['origin']}/{row['order_id']}{generation}"
    if row["event"] is None:
        return f"{row['happened_at']:%H:%M:%S}  {order:<12} failed while {row['state']}: {row['told']}"
    way = f"{row['state_left']} -> {row['state']}" if row["state_left"] else row["state"]
    told = row["told"] or f"{Decimal(row['amount_wei']) / WEI_PER_ETHER:f} ETH"
    return f"{row['happened_at']:%H:%M:%S}  {order:<12} {row['event']:<9} {way:<28} {told}"
