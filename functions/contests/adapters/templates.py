"""Templates: contests that open by themselves on days and hours, each once whoever looks how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from functions.contests.adapters.contests import Terms
from functions.contests.adapters.living import Living
from functions.contests.core.template import HOUR, Rhythm, starts
from functions.contests.core.terms import Frame, require_fit
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.postgres import Postgres, Queries

if TYPE_CHECKING:
    from functions.contests.wiring import Deps

Q: Final = Queries.load(Path(__file__).with_name("templates.sql"))


class TemplateUnknown(NotFound):
    """There is no such template."""

    cause = "The id is misspelt."
    remedy = "Take ids from GET /v1/contests/templates."


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTerms:
    """What its contests are played for. fee_lamports: None takes the usual fee, as it is then."""

    name: str
    days: Sequence[int]
    hours: Sequence[int]
    duration_s: int
    announced_s: int
    fee_lamports: int | None
    entrants_min: int
    entrants_max: int
    shares_bps: Sequence[int]
    rake_bps: int
    stake_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate(TemplateTerms):
    """A row of contests.templates."""

    id: UUID
    is_active: bool
    created_at: datetime
    moved_at: datetime

    @property
    def rhythm(self) -> Rhythm:
        """When it opens contests."""
        return Rhythm(days=self.days, hours=self.hours, announced_s=self.announced_s)


class Templates:
    """The table of templates."""

    def __init__(self, postgres: Postgres, living: Living, clock: Clock, *, usual_fee_lamports: int) -> None:
        self._postgres, self._living, self._clock = postgres, living, clock
        self._usual_fee_lamports, self._audit = usual_fee_lamports, Audit(postgres, clock)

    def add(self, terms: TemplateTerms, *, actor: str) -> StoredTemplate:
        """A new template, at work from now on. Raises TermsUnfit, PrizeTableUnfit."""
        now = self._clock.now()
        require_fit(_frame(terms, now + HOUR), now)
        lists = {"days": list(terms.days), "hours": list(terms.hours), "shares_bps": list(terms.shares_bps)}
        with self._postgres.transaction() as tx:
            row = tx.one(Q["add_template"], id=new_id(), now=now, **{**asdict(terms), **lists})
            self._audit.record(tx, actor=actor, action="contests.add_template", subject=f"template:{row['id']}")
        return StoredTemplate(**row)

    def switch(self, template_id: UUID, *, is_active: bool, actor: str) -> StoredTemplate:
        """Let it open contests, or no more. Raises TemplateUnknown."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["switch_template"], id=template_id, is_active=is_active, now=self._clock.now())
            if row is None:
                raise TemplateUnknown(template=str(template_id))
            action = "contests.resume_template" if is_active else "contests.stop_template"
            self._audit.record(tx, actor=actor, action=action, subject=f"template:{template_id}")
        return StoredTemplate(**row)

    def all(self) -> list[StoredTemplate]:
        """All of them, the newest first."""
        with self._postgres.transaction() as tx:
            return [StoredTemplate(**row) for row in tx.all(Q["templates"])]

    def open(self, now: datetime) -> int:
        """Announce what is to be announced by now; how many contests are new."""
        with self._postgres.transaction() as tx:
            active = [StoredTemplate(**row) for row in tx.all(Q["templates_active"])]
            wanted = [self._terms(one, start) for one in active for start in starts(one.rhythm, now)]
            return sum(self._living.announce(tx, terms) is not None for terms in wanted)

    def _terms(self, template: StoredTemplate, start: datetime) -> Terms:
        return Terms(
            name=template.name,
            template=template.id,
            fee_lamports=template.fee_lamports or self._usual_fee_lamports,
            entrants_min=template.entrants_min,
            entrants_max=template.entrants_max,
            starts_at=start,
            ends_at=start + timedelta(seconds=template.duration_s),
            stake_micros=template.stake_micros,
            shares_bps=template.shares_bps,
            rake_bps=template.rake_bps,
        )


def _frame(terms: TemplateTerms, start: datetime) -> Frame:
    """Of one of its contests."""
    return Frame(
        starts_at=start,
        ends_at=start + timedelta(seconds=terms.duration_s),
        entrants_min=terms.entrants_min,
        entrants_max=terms.entrants_max,
        shares_bps=terms.shares_bps,
        rake_bps=terms.rake_bps,
    )


def templates_of(deps: Deps) -> Templates:
    """As this container is set up."""
    usual = deps.settings.entry_fee_lamports
    return Templates(deps.kernel.postgres, deps.living, deps.clock, usual_fee_lamports=usual)
