"""Let administrators read the record of privileged acts, and anybody who operates compare its head."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator

from functions.ops.wiring import Deps, build_deps
from kernel.auth.http import require
from kernel.auth.principal import Principal, Role
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("ops", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
Hex = Annotated[str, BeforeValidator(bytes.hex)]


class Act(Document):
    """One privileged act; `hash` covers it and, through `previous_hash`, everything before it."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Annotated[dict[str, Any], BeforeValidator(json.loads)]
    previous_hash: Hex
    hash: Hex


class Acts(Document):
    """A page, newest first; `next_cursor` continues it."""

    acts: list[Act]
    next_cursor: int | None


class ChainHead(Document):
    """The newest act; note `head` outside of the database, and give it to `make audit`."""

    seq: int
    head: str


@app.get("/v1/ops/audit")
def acts(
    deps: Wired,
    _: Admin,
    subject: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Acts:
    """Who did what to what, newest first; of one subject where it is named, as "service:bridge"."""
    page = deps.audit.newest(subject=subject, below=cursor, limit=limit)
    return Acts(
        acts=[Act.model_validate(link) for link in page], next_cursor=page[-1].seq if len(page) == limit else None
    )


@app.get("/v1/ops/audit/head")
def head(deps: Wired, _: Operator) -> ChainHead:
    """The number and hash of the newest act."""
    newest = deps.audit.head()
    return ChainHead(seq=newest.seq, head=str(newest))


handler = lambda_handler(app)
