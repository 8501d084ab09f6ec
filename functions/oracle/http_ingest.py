"""Take prices from edge workers: good points are stored, a bad one is named by index and costs nobody else."""

from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import AwareDatetime, Field, WithJsonSchema

from functions.oracle.adapters.ingestion import FEED_SCHEMA
from functions.oracle.core.ingest import FEEDS_PER_CALL_MAX, accept, markets_of
from functions.oracle.wiring import Deps, build_deps
from kernel.auth.http import INTERNAL_ONLY, require
from kernel.auth.principal import Principal
from kernel.handler.http import Document, api, lambda_handler, wired

app = api("oracle", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Service = Annotated[Principal, Depends(require(tiers=INTERNAL_ONLY))]


class IngestRequest(Document):
    """One batch of points. Each point is judged on its own, so its form is described but not enforced here."""

    worker_id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$", max_length=64)]
    timestamp: AwareDatetime
    feeds: Annotated[
        list[Annotated[Any, WithJsonSchema(FEED_SCHEMA)]], Field(min_length=1, max_length=FEEDS_PER_CALL_MAX)
    ]


class RefusedFeed(Document):
    """A point that was not stored: its position in the request, and why."""

    index: int
    reason: str


class IngestResponse(Document):
    """What became of the batch."""

    status: Literal["ok", "partial"]
    ingested: int
    failed: list[RefusedFeed]
    latency_ms: int
    message: str


@app.post("/internal/ingest")
@app.post("/v1/oracle/ingest")
def ingest(request: IngestRequest, deps: Wired, _: Service) -> IngestResponse:
    """Store the good points. With none, the answer is a refusal."""
    started_s, now = deps.clock.time_s(), deps.clock.now()

    sorted_points = accept(request.feeds, now, known_symbols=markets_of(deps.repository.known_symbols()))

    ingested = deps.repository.ingest(sorted_points, request.worker_id)
    return IngestResponse(
        status="partial" if sorted_points.refused else "ok",
        ingested=ingested,
        failed=[RefusedFeed(index=refusal.index, reason=refusal.reason) for refusal in sorted_points.refused],
        latency_ms=round((deps.clock.time_s() - started_s) * 1000),
        message=f"{ingested} of {len(request.feeds)} points stored",
    )


handler = lambda_handler(app)
