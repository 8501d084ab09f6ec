"""Give out referral codes, take clicks and what became of them, and show each referrer its weeks."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from functions.contests.adapters import referral_views as views
from functions.contests.adapters.callers import wallet_of
from functions.contests.wiring import Deps, build_deps
from kernel.auth.http import paced, require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import api, lambda_handler, wired
from kernel.ratelimit import Window

CLICKS_PER_QUARTER_HOUR = 100
ATTRIBUTIONS_PER_HOUR = 10

app = api("contests", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Person = Annotated[Principal, Depends(require(Role.VIEWER))]
Visitor = Annotated[Principal, Depends(paced(CLICKS_PER_QUARTER_HOUR, Window.QUARTER_HOUR))]
Address = Annotated[Principal, Depends(paced(ATTRIBUTIONS_PER_HOUR, Window.HOUR))]


@app.post("/v1/contests/referrals/codes")
def code(deps: Wired, person: Person) -> views.CodeView:
    """One's own code; the same one every time."""
    wallet = wallet_of(person)
    return views.CodeView(code=deps.referrals.code_of(wallet), wallet=wallet)


@app.post("/v1/contests/referrals/clicks")
def click(body: views.ClickBody, deps: Wired, _: Visitor) -> views.ClickView:
    """A visitor came by a code. The same id again is the same click."""
    deps.referrals.click(body.id, body.code, body.source)
    return views.ClickView(id=body.id)


@app.post("/v1/contests/referrals/attributions")
def attribution(body: views.AttributionBody, deps: Wired, person: Person, _: Address) -> views.AttributionView:
    """The click that the caller's wallet came by; its first entry in a contest makes it a conversion."""
    wallet = wallet_of(person)
    return views.AttributionView(wallet=wallet, code=deps.referrals.attribute(body.click, wallet))


@app.get("/v1/contests/referrals/weeks")
def weeks(
    deps: Wired,
    person: Person,
    before: Annotated[date | None, Query(description="Only weeks before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=53)] = 12,
) -> views.WeeksPage:
    """What the caller's code brought, by week and source, and what it earned."""
    page = deps.referrals.page(wallet_of(person), before=before, limit=limit)
    return views.weeks_page(page.weeks, page.next_before)


handler = lambda_handler(app)
