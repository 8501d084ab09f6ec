"""Take prices at any rate, and show tokens, what they cost now, and what they have cost."""

from typing import Annotated

from fastapi import Depends, Path, Query

from functions.contests.adapters import market_views as views
from functions.contests.adapters.forms import ADDRESS
from functions.contests.core.market import judge, span
from functions.contests.wiring import Deps, build_market_deps
from kernel.auth.http import INTERNAL_ONLY, anyone, require
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("contests", build_market_deps, in_threads=False)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Service = Annotated[Principal, Depends(require(tiers=INTERNAL_ONLY))]
Limit = Annotated[int, Query(ge=1, le=200)]


@app.post("/internal/market-data")
@app.post("/v1/contests/market-data")
def push(body: views.PushBody, deps: Wired, service: Service) -> views.PushView:
    """Store the good prices, each once; they can be read when this answers. With none, the answer is a refusal."""
    known, by = deps.token_list.known(), service.identity
    judged = judge(body.prices, deps.clock.now(), known=known, by=by).usable()

    return views.push_view(judged, deps.market.take(judged.quotes))


@app.get("/v1/contests/market-data")
def latest(mints: Annotated[str, Query(pattern=views.ADDRESSES)], deps: Wired, _: Anyone) -> views.QuotesView:
    """The newest price of each token, up to fifty, comma separated."""
    wanted = list(dict.fromkeys(mints.split(",")))
    return views.quotes_view(wanted, deps.market.latest(wanted))


@app.get("/v1/contests/market-data/{mint}")
def history(
    mint: Annotated[str, Path(pattern=ADDRESS)],
    deps: Wired,
    _: Anyone,
    start: Annotated[views.Moment | None, Query(alias="from")] = None,
    end: Annotated[views.Moment | None, Query(alias="to")] = None,
    limit: Limit = 100,
) -> views.HistoryView:
    """What a token cost from a moment on and before another, of the last day unless asked otherwise."""
    since, until = span(start, end, deps.clock.now())
    return views.history_view(mint, deps.market.history(mint, since, until, limit=limit), limit)


@app.get("/v1/contests/tokens")
def tokens(
    deps: Wired,
    _: Anyone,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=views.TOKENS_CURSOR)] = None,
) -> views.TokenPage:
    """Tokens that have a price here, the largest first."""
    return views.token_page(deps.token_list.page(views.after(cursor), limit=limit), limit)


handler = lambda_handler(app)
