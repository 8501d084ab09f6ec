"""Models of anomalies and what they judged, as operators see them: shares in millionths, depths as whole numbers."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from functions.oracle.adapters.anomaly_models import Choice, StoredModel
from functions.oracle.adapters.judgements import StoredJudgement
from functions.oracle.core.anomaly_features import FEATURES, FORM

VERSION_MAX: Final = 2**31 - 1


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Why(View):
    """Why an administrator does it; kept for good."""

    reason: str = Field(min_length=1, max_length=500, pattern="[^ ]")


class InForce(View):
    """What may veto sources, who wanted it so, and why; `version` is null where nobody is vetoed."""

    version: int | None
    pinned: bool
    actor: str | None
    reason: str | None
    chosen_at: datetime | None


class AttackFigures(View):
    """Of one kind of attack: how many were made, seen, and kept out of the price."""

    attack: str
    made: int
    suspected: int
    kept_out: int


class ModelView(View):
    """One model with its trial."""

    version: int
    sound: bool
    usable: bool
    grown_from: datetime
    grown_until: datetime
    grown_by: str | None
    portraits: int | None
    precision_ppm: int
    recall_ppm: int
    falsely_suspected: int
    honest: int
    honest_vetoed: int
    attacks: list[AttackFigures]
    stored_at: datetime


class Models(View):
    """The newest models, newest first; `next_below` is where to go on."""

    in_force: InForce
    models: list[ModelView]
    next_below: int | None


class SourceView(View):
    """How one source was seen: its features by name, and by how many millionths it was too odd, if it was."""

    source: str
    vetoed: bool
    odd_ppm: int | None
    aspects: list[str]
    features: dict[str, float]


class JudgementView(View):
    """How the sources of one feed were judged."""

    symbol: str
    model_version: int | None
    decided_at: datetime
    sources: list[SourceView]


class Judgements(View):
    """How the sources of every feed of a round were judged."""

    voting_round: int
    judgements: list[JudgementView]


def in_force(choice: Choice | None) -> InForce:
    """What is in force; before the first choice nothing is."""
    if choice is None:
        return InForce(version=None, pinned=False, actor=None, reason=None, chosen_at=None)
    return InForce(
        version=choice.version,
        pinned=choice.is_pinned,
        actor=choice.actor,
        reason=choice.reason,
        chosen_at=choice.chosen_at,
    )


def models(choice: Choice | None, found: list[StoredModel], limit: int) -> Models:
    """A page of models."""
    return Models(
        in_force=in_force(choice),
        models=[_model(one) for one in found],
        next_below=found[-1].version if len(found) == limit and found[-1].version > 1 else None,
    )


def judgements(voting_round: int, found: list[StoredJudgement]) -> Judgements:
    """The judgements of a round."""
    return Judgements(voting_round=voting_round, judgements=[_judgement(one) for one in found])


def _model(one: StoredModel) -> ModelView:
    trial: dict[str, Any] = dict(one.trial)
    attacks = [
        AttackFigures(attack=name, made=made, suspected=suspected, kept_out=kept_out)
        for name, (made, suspected, kept_out) in trial["attacks"].items()
    ]
    return ModelView(
        version=one.version,
        sound=one.is_sound,
        usable=one.is_sound and one.form == FORM,
        grown_from=one.trained_from,
        grown_until=one.trained_until,
        grown_by=one.grown.get("grown_by"),
        portraits=one.grown.get("rows"),
        precision_ppm=one.precision_ppm,
        recall_ppm=one.recall_ppm,
        falsely_suspected=trial["falsely_suspected"],
        honest=trial["honest"],
        honest_vetoed=trial["honest_vetoed"],
        attacks=attacks,
        stored_at=one.stored_at,
    )


def _judgement(one: StoredJudgement) -> JudgementView:
    names = FEATURES if one.form == FORM else tuple(str(place) for place in range(one.portrait.features.shape[1]))
    return JudgementView(
        symbol=one.symbol,
        model_version=one.model_version,
        decided_at=one.decided_at,
        sources=[
            SourceView(
                source=source,
                vetoed=source in one.vetoed,
                odd_ppm=one.suspects[source][0] if source in one.suspects else None,
                aspects=list(one.suspects[source][1]) if source in one.suspects else [],
                features=dict(zip(names, (round(value, 6) for value in row), strict=True)),
            )
            for source, row in zip(one.portrait.sources, one.portrait.features.tolist(), strict=True)
        ],
    )
