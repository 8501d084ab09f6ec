"""What was observed of the network, stored: a round counts once, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.oracle.adapters import observation_rows as rows
from functions.oracle.adapters.observation_tasks import observation_tasks
from kernel.clock import Clock
from kernel.handler import count
from kernel.postgres import Postgres, Queries, Transaction
from kernel.tasks import Done, Fence, Tasks

if TYPE_CHECKING:
    from functions.oracle.core.epochs import VotingEpoch
    from functions.oracle.core.sighting import Observation, Sight
    from kernel.realtime import Publisher

Q: Final = Queries.load(Path(__file__).with_name("observations.sql"))
TOPIC: Final = "rounds"
#: So many faults are named in a message; more than these are counted.
NAMED_MAX: Final = 100


class Observations:
    """The observed rounds, and what they add up to."""

    def __init__(self, postgres: Postgres, tasks: Tasks, publisher: Publisher, clock: Clock) -> None:
        self._postgres, self._tasks = postgres, tasks
        self._publisher, self._clock = publisher, clock

    def asked(self) -> int | None:
        """Up to which round observations were asked for; None before the first."""
        row = self._postgres.glance.maybe(Q["asked"])
        return None if row is None else int(row["voting_round"])

    def ask(self, rounds: Sequence[VotingEpoch]) -> None:
        """Have these rounds observed. What cannot be read stays a task of its own and holds nothing up."""
        if rounds:
            with self._postgres.transaction() as tx:
                self._tasks.enqueue(observation_tasks(rounds), tx)
                tx.execute(Q["move_asked"], voting_round=rounds[-1].number)

    def record(self, sight: Sight, seen: Observation, *, read_at_block: int, fence: Fence) -> Done:
        """Store a round with all that it adds to, tell of it, and end the task: one commit."""
        now = self._clock.now()
        with self._postgres.transaction(holding=fence) as tx:
            if tx.execute(Q["add_round"], **rows.of_round(sight, seen, read_at_block, now)):
                tx.execute(Q["add_to_epoch"], **rows.of_epoch(sight))
                tx.many(Q["remember_voter"], rows.of_voters(sight))
                tx.many(Q["add_to_voter"], rows.of_conduct(sight, seen))
                low_before = tx.all(Q["low_payers"], addresses=sorted(seen.low))
                faults = rows.of_faults(sight, seen, low_before={row["address"] for row in low_before})
                tx.many(Q["add_fault"], faults)
                tx.many(Q["count_fault"], faults)
                tx.many(Q["set_payer"], rows.of_payers(sight, seen, read_at_block))
                self._tell(tx, sight, faults)
            self._tasks.complete(tx, fence)
        return Done()

    def _tell(self, tx: Transaction, sight: Sight, faults: Sequence[Mapping[str, Any]]) -> None:
        number = sight.voting_round.number
        ours = [row["fault"] for row in faults if row["is_ours"]]
        body = {
            "event": "round_observed",
            "voting_round": number,
            "reward_epoch": sight.reward_epoch,
            "finalised": sight.relayed is not None,
            "fault_count": len(faults),
            "faults": [{"voter": row["submit_address"], "fault": row["fault"]} for row in faults[:NAMED_MAX]],
        }
        self._publisher.publish(TOPIC, body, after=tx, key=f"oracle:{number}:observed")
        tx.after_commit(lambda: count("oracle_rounds_observed"))
        tx.after_commit(lambda: count("oracle_faults", len(faults)))
        tx.after_commit(lambda: count("oracle_faults_of_ours", len(ours)))
