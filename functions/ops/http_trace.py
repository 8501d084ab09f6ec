"""Let operators see what became of a business key: tasks, transactions, postings, acts, as one time-line."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Key = Annotated[str, Path(pattern="^[ -~]{1,200}$")]


class MomentView(Document):
    """Something that happened: when, in which room of the house, what, and its facts."""

    at: datetime
    room: str
    what: str
    facts: dict[str, str | int | bool | None]


class TraceView(Document):
    """Everything known of a key, oldest first. `cut` names the rooms of which only the first 500 rows are shown."""

    business_key: str
    moments: list[MomentView]
    cut: list[str]


@app.get("/v1/trace/{business_key:path}")
def trace(business_key: Key, deps: Wired, _: Operator) -> TraceView:
    """The time-line of one obligation, from the request to the final block. A key may hold slashes."""
    return TraceView.model_validate(deps.traces.of(business_key))


handler = lambda_handler(app)
