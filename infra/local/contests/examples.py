"""Requests to the contests' API as their clients make them, for the events under events/contests."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from infra.local.netting.examples import BUYER, SELLER

CONTEST: Final = "0198c7a5-5f00-7000-8000-000000000042"
WRAPPED_SOL: Final = "So11111111111111111111111111111111111111112"
SIGNATURE: Final = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"


def calls(at: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """By handler: route, case, query, body and values of the path."""
    start, here = at + timedelta(hours=6), {"id": CONTEST}
    weights = {"weights_bps": {WRAPPED_SOL: 10_000}}
    why = "the pool was paid twice"
    contest = {
        "name": "Friday duel",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
        "fee_lamports": "100000000",
    }
    template = {"name": "daily", "days": [1, 2, 3, 4, 5], "hours": [18], "duration_s": 3600}
    trade = {"side": "sell", "mint": WRAPPED_SOL, "quantity": "1000000000"}
    token = {"mint": WRAPPED_SOL, "symbol": "SOL", "name": "Wrapped SOL"}
    price = {"mint": WRAPPED_SOL, "price": "147.48", "source": "desk-1", "timestamp": at.isoformat()}
    transfer = {"source": BUYER.address, "recipient": SELLER.address, "amount_base_units": "1000000", "reason": why}
    sealed = base64.b64encode(bytes(range(32))).decode()
    return {
        "http_contests": (
            {"route": "POST /v1/contests", "body": contest},
            {"route": "GET /v1/contests", "case": "page", "query": {"status": "pending", "limit": "50"}},
            {"route": "POST /v1/contests/templates", "case": "template", "body": template},
            {
                "route": "POST /contests/{id}/enter",
                "case": "enter",
                "body": {"signature": SIGNATURE, **weights},
                "path_values": here,
            },
            {"route": "POST /v1/contests/{id}/trades", "case": "trade", "body": trade, "path_values": here},
            {"route": "GET /v1/contests/{id}/leaderboard", "case": "leaderboard", "path_values": here},
        ),
        "http_admin": (
            {"route": "POST /v1/contests/admin/transfers", "body": transfer},
            {
                "route": "POST /v1/contests/admin/exports",
                "case": "export",
                "body": {"address": BUYER.address, "sealed_to_base64": sealed, "reason": "it moves"},
            },
        ),
        "http_market_data": (
            {"route": "POST /v1/contests/market-data", "body": {"prices": [price]}},
            {"route": "GET /v1/contests/market-data", "case": "latest", "query": {"mints": WRAPPED_SOL}},
        ),
        "http_whitelist": (
            {"route": "GET /v1/contests/whitelist", "query": {"limit": "50"}},
            {"route": "POST /v1/contests/whitelist", "case": "add", "body": {**token, "signature": SIGNATURE}},
        ),
        "http_referrals": (
            {
                "route": "POST /v1/contests/referrals/clicks",
                "body": {"id": CONTEST, "code": "duel4fun", "source": "newsletter"},
            },
        ),
    }
