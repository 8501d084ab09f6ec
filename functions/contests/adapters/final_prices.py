"""The prices by which a contest is decided: those of its end, and what stands in for them, the same for everybody.

For five minutes the evaluation waits until every token has a price of the end. Then one that has none is valued at its
present price, and where there is none either at the last that the contest itself knows: that of the newest snapshot
which has one, the start's included, or that of a trade since if it is lower (functions/contests/core/evaluation.py). So
a contest ends by itself, whatever becomes of a token; prices of the end that are to be had stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from functions.contests.adapters.contests import StoredContest
from functions.contests.adapters.market import Market
from functions.contests.adapters.portfolios import Portfolios
from functions.contests.adapters.snapshots import Snapshots
from functions.contests.core.contest import PATIENCE
from functions.contests.core.portfolio import Token
from kernel.postgres import Transaction

PRESENT = "present"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalPrices:
    """stood_in: where the price of a token is from that had none at the end, as `present`, `snapshot 3`, `trade 9`."""

    priced_at: datetime
    tokens: Mapping[str, Token]
    stood_in: Mapping[str, str] = field(default_factory=dict)


class FinalPricing:
    """Finds them."""

    def __init__(self, portfolios: Portfolios, snapshots: Snapshots, market: Market) -> None:
        self._portfolios, self._snapshots, self._market = portfolios, snapshots, market

    def of(self, tx: Transaction, contest: StoredContest, now: datetime) -> FinalPrices:
        """Of every token that a locked contest plays. Raises PriceUnusable within the patience."""
        mints = self._portfolios.mints(tx, contest.id)
        (at, tokens), missing = self._market.usable(tx, mints, contest.ends_at)
        if not missing:
            return FinalPrices(priced_at=at, tokens=tokens)
        if now < contest.ends_at + PATIENCE:
            raise next(iter(missing.values()))
        (later, present), absent = self._market.usable(tx, missing, now)
        known = self._snapshots.known(tx, contest.id, absent)
        return FinalPrices(
            priced_at=later if present else at,
            tokens={**tokens, **present, **known.tokens},
            stood_in={**dict.fromkeys(present, PRESENT), **known.stood_in},
        )
