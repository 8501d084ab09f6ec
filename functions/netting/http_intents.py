"""Take signed trade intents in, one or many at a time, and the sellers' words to bids."""

from typing import Annotated

from fastapi import Body, Depends, Path
from pydantic import Discriminator, Tag

from functions.netting.adapters import intent_views as views
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone, paced
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

#: Of one address; a session has its own limit (core/pace.py).
REQUESTS_PER_SECOND = 100
#: A thousand intents with all their fields.
BODY_LIMIT_BYTES = 2 * 1024 * 1024

app = api("netting", build_deps, body_limit_bytes=BODY_LIMIT_BYTES)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]
Paced = Annotated[Principal, Depends(paced(REQUESTS_PER_SECOND))]
IntentId = Annotated[str, Path(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]


def _form(body: object) -> str:
    return "many" if isinstance(body, dict) and "intents" in body else "one"


Posted = Annotated[
    Annotated[views.IntentBody, Tag("one")] | Annotated[views.IntentBodies, Tag("many")], Discriminator(_form), Body()
]


@app.post("/api/intents")
@app.post("/v1/netting/intents")
def post_intents(posted: Posted, deps: Wired, _: Paced) -> views.Outcome | views.Outcomes:
    """One intent, which is accepted or refused with an error; or up to 1 000, each answered by itself."""
    if isinstance(posted, views.IntentBodies):
        return deps.intake.take(posted.intents)
    return deps.intake.take_one(posted)


@app.get("/api/intents/{id}")
@app.get("/v1/netting/intents/{id}")
def intent(id: IntentId, deps: Wired, _: Anyone) -> views.IntentView:
    """An intent and what became of it."""
    return deps.intake.shown(id)


@app.post("/api/intents/{id}/counter-signature")
@app.post("/v1/netting/intents/{id}/counter-signature")
def counter_signature(
    id: IntentId,
    word: views.CounterSignature,
    deps: Wired,
    _: Paced,
) -> views.IntentView:
    """The seller takes up a bid: from now on it is a trade that waits to be netted."""
    return views.intent_view(deps.offers.take_up(id, word))


handler = lambda_handler(app)
