"""Owns the documents with which contests are announced, entered and traded in. Amounts are text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool

from functions.contests.adapters.forms import Address, SignatureText
from functions.contests.core.evaluation import Side
from functions.contests.core.prizes import DEFAULT_RAKE_BPS, DEFAULT_SHARES_BPS
from functions.contests.core.terms import ENTRANTS_MAX, STAKE_MICROS
from kernel.handler.http import Document

if TYPE_CHECKING:
    from functions.contests.adapters.contests import Terms
    from functions.contests.adapters.templates import TemplateTerms

#: A moment in microseconds, of which seventeen digits are within the calendar, and an id.
CURSOR: Final = r"^[0-9]{1,17}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
ASKED_KEY: Final = r"^[A-Za-z0-9._-]{1,128}$"


def whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: Below 10^12 lamports, a thousand SOL.
FeeText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,11}$")]
#: Below 10^13 micro-units, ten million.
StakeText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,12}$")]
QuantityText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,29}$")]
Whole = BeforeValidator(whole)
Bps = Annotated[int, Field(strict=True, ge=0, le=10_000), Whole]
Weight = Annotated[int, Field(strict=True, ge=1, le=10_000), Whole]
Shares = Annotated[list[Bps], Field(min_length=1, max_length=100)]
Weights = Annotated[
    dict[Address, Weight], Field(min_length=1, max_length=50, json_schema_extra={"additionalProperties": False})
]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Count = Annotated[int, Field(strict=True, ge=2, le=ENTRANTS_MAX), Whole]


class _Played(Document):
    name: Name
    fee_lamports: FeeText | None = None
    entrants_min: Count = 2
    entrants_max: Count = ENTRANTS_MAX
    shares_bps: Shares = Field(default=list(DEFAULT_SHARES_BPS))
    rake_bps: Bps = DEFAULT_RAKE_BPS
    stake_micros: StakeText = str(STAKE_MICROS)


class ContestBody(_Played):
    """A contest; without a fee it costs what is usual."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime

    def terms(self, usual_fee_lamports: int) -> Terms:
        """What it is played for."""
        from functions.contests.adapters.contests import Terms

        return Terms(
            name=self.name,
            fee_lamports=int(self.fee_lamports or usual_fee_lamports),
            entrants_min=self.entrants_min,
            entrants_max=self.entrants_max,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            stake_micros=int(self.stake_micros),
            shares_bps=self.shares_bps,
            rake_bps=self.rake_bps,
        )


class TemplateBody(_Played):
    """What opens contests: days of the week, Monday being 1, and hours in UTC."""

    days: Annotated[list[Annotated[int, Field(strict=True, ge=1, le=7), Whole]], Field(min_length=1, max_length=7)]
    hours: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=23), Whole]], Field(min_length=1, max_length=24)]
    duration_s: Annotated[int, Field(strict=True, ge=60, le=2_678_400), Whole]
    announced_s: Annotated[int, Field(strict=True, ge=60, le=604_800), Whole] = 86_400

    def terms(self) -> TemplateTerms:
        """What its contests are played for."""
        from functions.contests.adapters.templates import TemplateTerms

        values = self.model_dump()
        fee = None if self.fee_lamports is None else int(self.fee_lamports)
        return TemplateTerms(**{**values, "fee_lamports": fee, "stake_micros": int(self.stake_micros)})


class SwitchBody(Document):
    """Whether a template opens contests."""

    is_active: StrictBool


class EntryBody(Document):
    """The transfer that paid, and how the stake is spread: basis points by mint, 10 000 in all."""

    signature: SignatureText
    weights_bps: Weights


class WeightsBody(Document):
    """How the stake is spread: basis points by mint, 10 000 in all."""

    weights_bps: Weights


class TradeBody(Document):
    """So much of a token, in its smallest unit, at the market's price."""

    side: Side
    mint: Address
    quantity: QuantityText


class CancelBody(Document):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
