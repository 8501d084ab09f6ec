"""How we and others do in the network, reward epoch by reward epoch, as stored. Needs neither chain nor key."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("performance.sql"))
Row = Mapping[str, Any]


class Record(NamedTuple):
    """One reward epoch: itself, and a voter's conduct in it and in the one before, what was done wrong by it and by
    all, and what it earned. None where nothing is stored.
    """

    epoch: Row
    voter: str
    conduct: Row | None
    before: Row | None
    faults: Sequence[Row]
    rewards: Row | None


class Observed(NamedTuple):
    """A finished round, and what was done wrong in it."""

    round: Row
    faults: Sequence[Row]


class Told(NamedTuple):
    """A page of records, newest first, with what stands now."""

    newest_round: int | None
    alarms: Sequence[Row]
    records: Sequence[Record]
    has_more: bool


class Performance:
    """Reads of what was observed."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def page(self, voter: str | None, *, below: int | None, limit: int) -> Told:
        """Reward epochs below one, by default from the newest. voter: a submit address, by default ours."""
        with self._postgres.transaction() as tx:
            epochs = tx.all(Q["epochs_below"], below=below, limit=limit + 1)
            records = _records(tx, epochs[:limit], voter and voter.lower())
            newest = tx.one(Q["newest_observed"])["voting_round"]
            return Told(newest, tx.all(Q["told_alarms"]), records, len(epochs) > limit)

    def observed(self, voting_round: int) -> Observed | None:
        """A round with who did what wrong in it, ours first; None before it was observed."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["observed_round"], voting_round=voting_round)
            faults = tx.all(Q["faults_of_round"], voting_round=voting_round)
            return None if row is None else Observed(row, faults)


def _records(tx: Transaction, epochs: Sequence[Row], voter: str | None) -> list[Record]:
    wanted = {int(epoch["reward_epoch"]): voter or str(epoch["ourselves"]) for epoch in epochs}
    before = {number - 1: address for number, address in wanted.items() if number - 1 not in wanted}
    conduct = _by_epoch(tx.all(Q["voters_of"], **_asked(before | wanted)))
    counted = tx.all(Q["fault_counts_of"], **_asked(wanted))
    identities = {number: str(conduct[number]["identity"]) for number in wanted if number in conduct}
    numbers, named = list(identities), list(identities.values())
    rewards = _by_epoch(tx.all(Q["rewards_of"], reward_epochs=numbers, identities=named))
    return [
        Record(
            epoch=epoch,
            voter=wanted[number],
            conduct=conduct.get(number),
            before=conduct.get(number - 1),
            faults=[row for row in counted if row["reward_epoch"] == number],
            rewards=rewards.get(number),
        )
        for number, epoch in _by_epoch(epochs).items()
    ]


def _by_epoch(rows: Iterable[Row]) -> dict[int, Row]:
    return {int(row["reward_epoch"]): row for row in rows}


def _asked(wanted: Mapping[int, str]) -> dict[str, Any]:
    return {"reward_epochs": list(wanted), "addresses": list(wanted.values())}
