"""Our part in the voting rounds, stored: a step's facts, its transaction and the end of its task commit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from functions.oracle.core.decision import Commitment, FeedDecision
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message
from functions.oracle.core.price import WINDOW_S
from functions.oracle.core.result_leaves import turnout_bips
from kernel.errors import NotFound
from kernel.outbox import EvmIntent, EvmOutbox
from kernel.postgres import Postgres, Queries
from kernel.tasks import Done, Fence, Tasks

if TYPE_CHECKING:
    from functions.oracle.adapters.evidence import RoundOutcome

Q = Queries.load(Path(__file__).parent / "queries.sql")


class RoundUnknown(NotFound):
    """We took no part in this round."""

    cause = "The round is in the future, long past, or from a time when this provider was not running."
    remedy = "Ask for a round that this provider committed to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Our commitment of a round, its opening still sealed."""

    voting_round: int
    submitter: str
    commit_hash: bytes
    sealed: bytes
    committed_at: datetime
    revealed_at: datetime | None
    signed_at: datetime | None
    finalised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRound:
    """A round's result as we computed it."""

    voting_round: int
    reward_epoch: int
    merkle_root: bytes | None
    is_secure_random: bool
    random: int | None
    medians: list[dict[str, Any]]
    offenders: list[str]
    read_at_block: int
    computed_at: datetime


class Rounds:
    """The repository of rounds. Every record_ method ends the task that it is given the fence of."""

    def __init__(self, postgres: Postgres, tasks: Tasks, outbox: EvmOutbox) -> None:
        self._postgres, self._tasks, self._outbox = postgres, tasks, outbox

    def record_commit(
        self, commitment: Commitment, sealed: bytes, intent: EvmIntent, *, decided_at: datetime, fence: Fence
    ) -> Done:
        """The commitment, its sealed opening, what it was decided from, and the transaction that makes it."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.many(Q["insert_aggregate"], list(_aggregate_rows(commitment, decided_at)))
            tx.many(Q["set_reputation"], list(_reputation_rows(commitment)))
            tx.execute(
                Q["insert_submission"],
                voting_round=commitment.voting_round,
                submitter=commitment.submitter,
                commit_hash=commitment.hash,
                sealed=sealed,
            )
            self._outbox.record(tx, intent)
            self._tasks.complete(tx, fence)
        return Done()

    def record_reveal(self, voting_round: int, intent: EvmIntent, *, fence: Fence) -> Done:
        """The transaction that opens our commitment."""
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["mark_revealed"], voting_round=voting_round)
            self._outbox.record(tx, intent)
            self._tasks.complete(tx, fence)
        return Done()

    def record_result(self, outcome: "RoundOutcome", intent: EvmIntent | None, *, fence: Fence) -> Done:
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

    def submission(self, voting_round: int) -> Submission | None:
        """Our commitment of a round, or None where we made none."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["submission"], voting_round=voting_round)
        return None if row is None else Submission(**row)

    def result(self, voting_round: int) -> StoredRound | None:
        """A round's result, or None while we have not computed it."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["round"], voting_round=voting_round)
        if row is None:
            return None
        return StoredRound(**(row | {"random": None if row["random"] is None else int(row["random"])}))

    def message(self, voting_round: int) -> bytes | None:
        """The 38 bytes that a round's signatures sign, or None where there is no result to sign."""
        stored = self.result(voting_round)
        if stored is None or stored.merkle_root is None:
            return None
        return encode_protocol_message(
            ProtocolMessage(voting_round, stored.is_secure_random, bytes(stored.merkle_root))
        )

    def offenders_between(self, first: int, last: int) -> dict[int, frozenset[str]]:
        """Offenders (lower-case submit addresses) of the rounds of an inclusive range that we computed."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["offenders_between"], first=first, last=last)
        return {row["voting_round"]: frozenset(row["offenders"]) for row in rows}


def _aggregate_rows(commitment: Commitment, decided_at: datetime) -> Iterator[dict[str, Any]]:
    for decision in commitment.decisions:
        if decision.aggregate.consensus is not None:
            yield {
                "voting_round": commitment.voting_round,
                "symbol": decision.feed.name,
                "decided_at": decided_at,
                "window_start": decided_at - timedelta(seconds=WINDOW_S),
                "vwap": decision.aggregate.vwap,
                "twap": decision.aggregate.twap,
                "weighted_median": decision.aggregate.weighted_median,
                "consensus": decision.aggregate.consensus,
                "confidence": decision.aggregate.confidence,
                "sources": Jsonb(_sources(decision)),
                "flagged": decision.aggregate.flagged,
            }


def _sources(decision: FeedDecision) -> dict[str, list[float]]:
    prices = decision.aggregate.source_prices
    return {source: [price, decision.trusted[source]] for source, price in prices.items()}


def _reputation_rows(commitment: Commitment) -> Iterator[dict[str, Any]]:
    for decision in commitment.decisions:
        for source, reputation in decision.learned.items():
            yield {
                "symbol": decision.feed.name,
                "source": source,
                "reputation": reputation,
                "voting_round": commitment.voting_round,
            }


def _round_row(outcome: "RoundOutcome") -> dict[str, Any]:
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
