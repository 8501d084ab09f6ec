"""How sources were judged, as rows: written with the decisions of a commit, read to explain one or to grow a model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from psycopg.types.json import Jsonb

from functions.oracle.core.anomaly_features import FEATURES, FORM, Portrait
from functions.oracle.core.decision import Commitment
from kernel.postgres import Queries

Q: Final = Queries.load(Path(__file__).with_name("anomaly.sql"))
_CELL: Final = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredJudgement:
    """A row of oracle.judgements. suspects: source -> millionths below a limit, and the aspects."""

    voting_round: int
    symbol: str
    decided_at: datetime
    model_version: int | None
    form: int
    portrait: Portrait
    suspects: Mapping[str, tuple[int, tuple[str, ...]]]
    vetoed: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "StoredJudgement":
        """As it was written."""
        sources = tuple(row["sources"])
        features = np.frombuffer(bytes(row["features"]), dtype=_CELL).reshape(len(sources), -1)
        suspects = {source: (odd, tuple(aspects)) for source, (odd, aspects) in row["suspects"].items()}
        own = {name: row[name] for name in ("voting_round", "symbol", "decided_at", "model_version", "form")}
        portrait = Portrait(sources=sources, features=features.astype(np.float32))
        return cls(portrait=portrait, suspects=suspects, vetoed=tuple(row["vetoed"]), **own)


def judgement_rows(commitment: Commitment, decided_at: datetime) -> Iterator[dict[str, Any]]:
    """A row for each feed whose sources could be portrayed."""
    for decision in commitment.decisions:
        judgement = decision.judgement
        if judgement.portrait.sources:
            yield {
                "voting_round": commitment.voting_round,
                "symbol": decision.feed.name,
                "decided_at": decided_at,
                "model_version": judgement.version,
                "form": FORM,
                "sources": list(judgement.portrait.sources),
                "features": judgement.portrait.features.astype(_CELL).tobytes(),
                "suspects": Jsonb({name: [odd, list(aspects)] for name, (odd, aspects) in judgement.suspects.items()}),
                "vetoed": sorted(source for source, why in decision.left_out.items() if why == "vetoed"),
            }


def rows_in(features: list[bytes]) -> bytes:
    """What a model is grown from: the rows of many portraits, one after the other."""
    width = len(FEATURES) * _CELL.itemsize
    return b"".join(part for part in features if len(part) % width == 0)
