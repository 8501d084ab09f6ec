"""Our part in the voting rounds, stored: a step's facts, its transaction and the end of its task commit together."""

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from functions.oracle.adapters.decisions import insert_decisions, insert_inputs
from functions.oracle.adapters.evidence import RoundOutcome
from functions.oracle.adapters.publication import publication_of
from functions.oracle.adapters.repository import Window
from functions.oracle.adapters.round_history import RoundHistory
from functions.oracle.adapters.statements import Q
from functions.oracle.core.decision import Commitment
from functions.oracle.core.result_leaves import turnout_bips
from kernel.outbox.evm import EvmIntent, EvmOutbox
from kernel.postgres import Postgres
from kernel.tasks import Done, Fence, Tasks


class Rounds(RoundHistory):
    """Rounds, and what we do in them: needs our keys. A record_ method ends the task whose fence it is given."""

    def __init__(self, postgres: Postgres, tasks: Tasks, outbox: EvmOutbox) -> None:
        super().__init__(postgres)
        self._tasks, self._outbox = tasks, outbox

    def record_commit(
        self,
        commitment: Commitment,
        sealed: bytes,
        intent: EvmIntent,
        *,
        decided_at: datetime,
        reward_epoch: int,
        seen: Window,
        fence: Fence,
    ) -> Done:
        """The commitment, its sealed opening, what it was decided from, the transaction that makes it, and its news."""
        with self._postgres.transaction(holding=fence) as tx:
            insert_decisions(tx, commitment, decided_at)
            insert_inputs(tx, commitment, decided_at, reward_epoch=reward_epoch, seen=seen)
            tx.execute(
                Q["insert_submission"],
                voting_round=commitment.voting_round,
                submitter=commitment.submitter,
                commit_hash=commitment.hash,
                sealed=sealed,
            )
            self._outbox.record(tx, intent)
            self._tasks.enqueue([publication_of(commitment.voting_round, intent.business_key, decided_at)], tx)
            self._tasks.complete(tx, fence)
        return Done()

    def record_reveal(self, voting_round: int, intent: EvmIntent, *, fence: Fence) -> Done:
        """The transaction that opens our commitment."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["mark_revealed"], voting_round=voting_round)
            self._outbox.record(tx, intent)
            self._tasks.complete(tx, fence)
        return Done()

    def record_result(self, outcome: RoundOutcome, intent: EvmIntent | None, *, fence: Fence) -> Done:
        """The round's result and, if there is one to sign, the transaction that deposits our signature."""
        voting_round = outcome.voting_round.number
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["insert_round"], **_round_row(outcome))
            if intent is not None:
                tx.execute(Q["mark_signed"], voting_round=voting_round)
                self._outbox.record(tx, intent)
            self._tasks.complete(tx, fence)
        return Done()

    def record_relaying(self, intent: EvmIntent, *, fence: Fence) -> None:
        """The transaction that brings the round's root to the relay. The task goes on until the root is there."""
        with self._postgres.transaction(holding=fence) as tx:
            self._outbox.record(tx, intent)

    def record_finalised(self, voting_round: int, *, fence: Fence) -> Done:
        """The round's root is on the relay, by our transaction or another's."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["mark_finalised"], voting_round=voting_round)
            self._tasks.complete(tx, fence)
        return Done()

    def record_contradicted(self, voting_round: int, *, fence: Fence) -> None:
        """The round's root is on the relay, and is not ours. The task goes on: an operator has to look at it."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["mark_finalised"], voting_round=voting_round)


def _round_row(outcome: RoundOutcome) -> dict[str, Any]:
    result = outcome.result
    medians = [
        {
            "id": "0x" + feed.id.hex(),
            "symbol": feed.name,
            "value": median.value,
            "q1": median.q1,
            "q3": median.q3,
            "decimals": feed.decimals,
            "turnout_bips": turnout_bips(median.participating_weight, outcome.electorate.registered_weight),
        }
        for feed, median in zip(outcome.feeds, result.medians, strict=True)
    ]
    return {
        "voting_round": outcome.voting_round.number,
        "reward_epoch": outcome.electorate.policy.reward_epoch,
        "merkle_root": result.merkle_root,
        "is_secure_random": result.is_secure_random,
        "random": result.random,
        "medians": Jsonb(medians),
        "offenders": Jsonb(sorted(result.offenders)),
        "read_at_block": outcome.head.number,
    }
