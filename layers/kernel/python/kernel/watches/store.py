"""Owns the declared watches in Postgres."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from kernel.clock import Clock, SystemClock
from kernel.evm.blocks import hexadecimal, octets
from kernel.evm.log_cursor import Watch, WatchChanged
from kernel.postgres import Queries, Transaction
from kernel.solana.program_cursor import ProgramWatch, Wanted

Q: Final = Queries.load(Path(__file__).with_name("queries.sql"))

EVM: Final = "evm:"


class Watches:
    """What is watched. Every method takes the caller's transaction: a watch begins with the business it is for."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def declare(self, tx: Transaction, watch: Watch | ProgramWatch) -> None:
        """Take what webhooks tell of this from now on. Again under the same name: as it is said now.

        Raises WatchChanged for a name that has another chain or kind.
        """
        row = _row_of_logs(watch) if isinstance(watch, Watch) else _row_of_program(watch)
        if not tx.execute(Q["declare_watch"], **row, now=self._clock.now()):
            raise WatchChanged(watch=watch.name, kind=watch.kind)

    def withdraw(self, tx: Transaction, name: str) -> bool:
        """Take it no more; whether it was declared. Tasks that exist stay."""
        return tx.execute(Q["withdraw_watch"], watch=name) > 0

    def of(self, tx: Transaction, chain: str, addresses: Collection[str]) -> list[Watch | ProgramWatch]:
        """Every watch that names one of the addresses on the chain, by name."""
        rows = tx.all(Q["watches_of"], chain=chain, addresses=sorted(addresses))
        return [_logs_of(row) if chain.startswith(EVM) else _program_of(row) for row in rows]


def _row_of_logs(watch: Watch) -> dict[str, Any]:
    topics = [[hexadecimal(one) for one in any_of] for any_of in watch.alternatives()]
    terms = {"topics": topics, "start_block": watch.start_block, "confirmations": watch.confirmations}
    return {
        "watch": watch.name,
        "chain": f"{EVM}{watch.chain_id}",
        "addresses": list(watch.addresses),
        "kind": watch.kind,
        "terms": Jsonb(terms),
    }


def _logs_of(row: Mapping[str, Any]) -> Watch:
    terms = row["terms"]
    return Watch(
        name=row["watch"],
        chain_id=int(row["chain"].removeprefix(EVM)),
        addresses=tuple(row["addresses"]),
        kind=row["kind"],
        start_block=terms["start_block"],
        topics=tuple(tuple(octets(one) for one in any_of) or None for any_of in terms["topics"]),
        confirmations=terms["confirmations"],
    )


def _row_of_program(watch: ProgramWatch) -> dict[str, Any]:
    terms = {
        "wanted": watch.wanted.value,
        "start_after": watch.start_after,
        "start_slot": watch.start_slot,
        "with_failed": watch.with_failed,
    }
    return {
        "watch": watch.name,
        "chain": f"solana:{watch.cluster}",
        "addresses": [watch.address],
        "kind": watch.kind,
        "terms": Jsonb(terms),
    }


def _program_of(row: Mapping[str, Any]) -> ProgramWatch:
    terms = row["terms"]
    return ProgramWatch(
        name=row["watch"],
        cluster=row["chain"].partition(":")[2],
        address=row["addresses"][0],
        kind=row["kind"],
        wanted=Wanted(terms["wanted"]),
        start_after=terms["start_after"],
        start_slot=terms["start_slot"],
        with_failed=terms["with_failed"],
    )
