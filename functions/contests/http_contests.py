"""Announce contests, enter them, trade in them, and show how they stand and what they came to.

An entry is paid for on the chain before it is asked for: its transfer's signature is the request's key.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query
from pydantic import AwareDatetime

from functions.contests.adapters import contest_bodies as bodies
from functions.contests.adapters import contest_views as views
from functions.contests.adapters.callers import wallet_of
from functions.contests.adapters.forms import ADDRESS
from functions.contests.adapters.player_views import PlayerView, player_view
from functions.contests.adapters.wishes import TradeWish, Wish
from functions.contests.core.contest import Status
from functions.contests.wiring import Deps, build_deps
from kernel.auth.http import anyone, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired

app = api("contests", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Person = Annotated[Principal, Depends(require(Role.VIEWER))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
AskedKey = Annotated[str, Header(alias="Idempotency-Key", pattern=bodies.ASKED_KEY)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(pattern=bodies.CURSOR)]
Number = Annotated[int, Query(ge=0, le=2**31 - 1)]


@app.post("/v1/contests", status_code=201)
def announce(body: bodies.ContestBody, deps: Wired, admin: Admin) -> views.ContestView:
    """Announce a contest. It takes entries as soon as it has a wallet, which is a matter of seconds."""
    terms = body.terms(deps.settings.entry_fee_lamports)
    return views.contest_view(deps.living.announce_one(terms, actor=admin.identity))


@app.get("/v1/contests")
def contests(
    deps: Wired, _: Anyone, status: Status | None = None, limit: Limit = 50, cursor: Cursor = None
) -> views.ContestPage:
    """Contests, the last to start first."""
    states = None if status is None else views.STATES[status]
    return views.contest_page(deps.living.page(states, below=views.below(cursor), limit=limit), limit)


@app.post("/v1/contests/templates", status_code=201)
def add_template(body: bodies.TemplateBody, deps: Wired, admin: Admin) -> views.TemplateView:
    """Have contests opened on days and hours."""
    return views.template_view(deps.templates.add(body.terms(), actor=admin.identity))


@app.get("/v1/contests/templates")
def templates(deps: Wired, _: Anyone) -> views.Templates:
    """What opens contests by itself."""
    return views.Templates(templates=[views.template_view(one) for one in deps.templates.all()])


@app.put("/v1/contests/templates/{id}")
def switch_template(
    id: UUID,
    body: bodies.SwitchBody,
    deps: Wired,
    admin: Admin,
) -> views.TemplateView:
    """Let a template open contests, or no more; those that are announced stay."""
    return views.template_view(deps.templates.switch(id, is_active=body.is_active, actor=admin.identity))


@app.get("/v1/contests/entries")
def entries(deps: Wired, person: Person, before: AwareDatetime | None = None, limit: Limit = 50) -> views.MyEntries:
    """One's own entries, the newest first."""
    return views.my_entries(deps.entries.of_wallet(wallet_of(person), before=before, limit=limit), limit)


@app.get("/v1/contests/players/{wallet}")
def player(wallet: Annotated[str, Path(pattern=ADDRESS)], deps: Wired, _: Anyone) -> PlayerView:
    """What a player has: experience, the level that this is, and achievements."""
    return player_view(deps.experience.player(wallet))


@app.get("/v1/contests/{id}")
def contest(id: UUID, deps: Wired, _: Anyone) -> views.ContestView:
    """One contest."""
    return views.contest_view(deps.living.contest(id))


@app.post("/contests/{id}/enter")
@app.post("/v1/contests/{id}/enter")
def enter(
    id: UUID,
    body: bodies.EntryBody,
    deps: Wired,
    person: Person,
) -> views.EntryView:
    """Enter with a transfer of exactly the fee that is final. The same again finds itself."""
    wish = Wish(contest=id, wallet=wallet_of(person), signature=body.signature, weights_bps=body.weights_bps)
    return views.entry_view(deps.entries.enter(wish))


@app.post("/v1/contests/{id}/cancel")
def cancel(
    id: UUID,
    body: bodies.CancelBody,
    deps: Wired,
    admin: Admin,
) -> views.ContestView:
    """Cancel a contest that nobody has won yet: every fee is owed to whoever paid it."""
    return views.contest_view(deps.living.cancel(id, actor=admin.identity, reason=body.reason))


@app.get("/v1/contests/{id}/portfolio")
def portfolio(id: UUID, deps: Wired, person: Person) -> views.PortfolioView:
    """One's own portfolio."""
    return views.portfolio_view(deps.trading.portfolio(id, wallet_of(person)))


@app.put("/v1/contests/{id}/portfolio")
def weigh(
    id: UUID,
    body: bodies.WeightsBody,
    deps: Wired,
    person: Person,
) -> views.PortfolioView:
    """Other weights, until the start; from then on a change is a trade."""
    return views.portfolio_view(deps.entries.weigh(id, wallet_of(person), body.weights_bps))


@app.post("/v1/contests/{id}/trades")
def trade(
    id: UUID,
    body: bodies.TradeBody,
    deps: Wired,
    person: Person,
    key: AskedKey,
) -> views.TradeView:
    """Buy or sell at the market's price. The same key is the same trade."""
    wish = TradeWish(
        contest=id, wallet=wallet_of(person), key=key, side=body.side, mint=body.mint, quantity=int(body.quantity)
    )
    return views.trade_view(deps.trading.trade(wish))


@app.get("/v1/contests/{id}/trades")
def trades(
    id: UUID,
    deps: Wired,
    person: Person,
    limit: Limit = 50,
    cursor: Annotated[int, Query(ge=1, le=2**63 - 1)] = 2**63 - 1,
) -> views.TradePage:
    """One's own trades, the newest first."""
    return views.trade_page(deps.trading.trades(id, wallet_of(person), below=cursor, limit=limit), limit)


@app.get("/v1/contests/{id}/leaderboard")
def leaderboard(
    id: UUID,
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    skip: Number = 0,
) -> views.BoardView:
    """Who is ahead, as of the newest snapshot; equals share a rank."""
    return views.board_view(id, deps.snapshots.board(id, skip=skip, limit=limit), skip)


@app.get("/v1/contests/{id}/results")
def results(
    id: UUID,
    deps: Wired,
    _: Anyone,
    limit: Limit = 50,
    behind: Number = 0,
) -> views.ResultsView:
    """The final standings, and what the pool came to."""
    evaluation, rows = deps.evaluating.results(id, behind=behind, limit=limit)
    return views.results_view(id, evaluation, rows, limit)


handler = lambda_handler(app)
