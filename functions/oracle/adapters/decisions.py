"""What a commit was decided from, as rows: an aggregate and the learned reputations of each feed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from functions.oracle.adapters.judgements import Q as JUDGEMENTS
from functions.oracle.adapters.judgements import judgement_rows
from functions.oracle.adapters.repository import Window
from functions.oracle.adapters.statements import Q
from functions.oracle.core.decision import Commitment, FeedDecision
from functions.oracle.core.price import WINDOW_S
from functions.oracle.core.stored_points import digest_of
from kernel.postgres import Transaction


def insert_decisions(tx: Transaction, commitment: Commitment, decided_at: datetime) -> None:
    """Store the decisions of a commit in the transaction that records it."""
    tx.many(Q["insert_aggregate"], list(_aggregate_rows(commitment, decided_at)))
    tx.many(Q["set_reputation"], list(_reputation_rows(commitment)))
    tx.many(JUDGEMENTS["insert_judgement"], list(judgement_rows(commitment, decided_at)))
    tx.execute(Q["mark_consensus"], voting_round=commitment.voting_round)


def insert_inputs(
    tx: Transaction, commitment: Commitment, decided_at: datetime, *, reward_epoch: int, seen: Window
) -> None:
    """Store what the decisions of a commit can be made from again, beside the raw points."""
    tx.execute(
        Q["insert_decision"],
        voting_round=commitment.voting_round,
        reward_epoch=reward_epoch,
        decided_at=decided_at,
        snapshot=seen.snapshot,
        points=len(seen.points),
        points_digest=digest_of(seen.points),
        model_version=next((decision.judgement.version for decision in commitment.decisions), None),
    )


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
                "left_out": Jsonb(dict(decision.left_out)),
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
