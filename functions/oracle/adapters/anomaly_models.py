"""Models of anomalies, stored: under versions that never change, and which of them is in force."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.oracle.adapters.judgements import Q, StoredJudgement
from functions.oracle.core.anomaly import Model
from functions.oracle.core.anomaly_features import FORM
from functions.oracle.core.anomaly_training import Term
from functions.oracle.core.anomaly_trial import Floors, Trial
from functions.oracle.core.isolation_forest import ForestUnfit, read_forest
from kernel.audit import Audit
from kernel.clock import Clock
from kernel.errors import Conflict, NotFound
from kernel.hashes import sha256
from kernel.postgres import Postgres, Transaction

logger = logging.getLogger(__name__)
#: Who promotes a model that passed its trial.
ITSELF: Final = "oracle.try_forest"
MODELS_MAX: Final = 100


class ModelUnknown(NotFound):
    """There is no model of this version."""

    cause = "Versions are numbers from 1 on; this one was never given."
    remedy = "List the models, and name one of them."


class ModelUnsound(Conflict):
    """This model did not pass its trial, or is of another form than this code portrays."""

    cause = "It found too few attacks, suspected too many honest sources, or was grown from other features."
    remedy = "Put a model in force that passed (`is_sound`), or none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is in force, since when, and who wanted it so. Without a version nobody is vetoed."""

    version: int | None
    is_pinned: bool
    actor: str
    reason: str
    chosen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model without its forest."""

    version: int
    business_key: str
    form: int
    trained_from: datetime
    trained_until: datetime
    arguments: Mapping[str, Any]
    grown: Mapping[str, Any]
    trial: Mapping[str, Any]
    precision_ppm: int
    recall_ppm: int
    is_sound: bool
    stored_at: datetime


class AnomalyModels:
    """The tables of models, of choices among them, and of what they judged."""

    def __init__(self, postgres: Postgres, audit: Audit, clock: Clock) -> None:
        self._postgres, self._audit, self._clock = postgres, audit, clock
        self._known: Model | None = None

    def in_force(self) -> Model | None:
        """The model in force; its forest is read once a container. A forest that cannot be used vetoes nobody."""
        choice = self.choice()
        if choice is None or choice.version is None:
            return None
        if self._known is None or self._known.version != choice.version:
            self._known = self._usable(choice.version)
        return self._known

    def model(self, version: int) -> Model:
        """A model with its forest. Raises ModelUnknown, ForestUnfit."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["forest"], version=version)
        if row is None:
            raise ModelUnknown(version=version)
        octets = bytes(row["forest"])
        if sha256(octets) != bytes(row["forest_sha256"]):
            raise ForestUnfit(problem="it is not what was stored")
        return Model(version=version, forest=read_forest(octets))

    def choice(self) -> Choice | None:
        """What is in force; None before the first choice."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["choice"])
        return None if row is None else Choice(**row)

    def models(self, *, below: int | None = None, limit: int = MODELS_MAX) -> list[StoredModel]:
        """The newest models below a version, newest first."""
        with self._postgres.transaction() as tx:
            return [StoredModel(**row) for row in tx.all(Q["models"], below=below, limit=limit)]

    def judgements(self, voting_round: int) -> list[StoredJudgement]:
        """How the sources of a round were judged, by symbol."""
        with self._postgres.transaction() as tx:
            return [StoredJudgement.from_row(row) for row in tx.all(Q["judgements"], voting_round=voting_round)]

    def store(  # one model, and what is known of it
        self,
        tx: Transaction,
        *,
        business_key: str,
        term: Term,
        arguments: Mapping[str, Any],
        grown: Mapping[str, Any],
        forest: bytes,
        trial: Trial,
        floors: Floors,
    ) -> int | None:
        """Keep a tried model and, if it passed and nobody pinned another, put it in force; None where it was known."""
        tx.execute(Q["lock_models"])
        is_sound = trial.passes(floors)
        row = tx.maybe(
            Q["insert_model"],
            business_key=business_key,
            form=FORM,
            trained_from=term.grown_from,
            trained_until=term.tried_from,
            arguments=Jsonb(dict(arguments)),
            grown=Jsonb(dict(grown)),
            forest=forest,
            forest_sha256=sha256(forest),
            trial=Jsonb(trial.document()),
            precision_ppm=trial.precision_ppm,
            recall_ppm=trial.recall_ppm,
            is_sound=is_sound,
            now=self._clock.now(),
        )
        if row is None:
            return None
        standing = tx.maybe(Q["choice"])
        if is_sound and not (standing and standing["is_pinned"]):
            reason = f"precision {trial.precision_ppm} ppm, recall {trial.recall_ppm} ppm"
            self._choose(tx, row["version"], is_pinned=False, actor=ITSELF, reason=reason)
        return int(row["version"])

    def pin(self, version: int | None, *, actor: str, reason: str) -> Choice:
        """Put a version in force, or none, until an operator releases it. Raises ModelUnknown, ModelUnsound."""
        with self._postgres.transaction() as tx:
            tx.execute(Q["lock_models"])
            if version is not None:
                row = tx.maybe(Q["forest"], version=version)
                if row is None:
                    raise ModelUnknown(version=version)
                if not row["is_sound"] or row["form"] != FORM:
                    raise ModelUnsound(version=version)
            self._choose(tx, version, is_pinned=True, actor=actor, reason=reason)
            return self._audited(tx, "oracle.pin_model", version, actor, reason)

    def release(self, *, actor: str, reason: str) -> Choice:
        """Leave in force what is, until the next model passes its trial."""
        with self._postgres.transaction() as tx:
            tx.execute(Q["lock_models"])
            standing = tx.maybe(Q["choice"])
            version = standing["version"] if standing else None
            self._choose(tx, version, is_pinned=False, actor=actor, reason=reason)
            return self._audited(tx, "oracle.release_model", version, actor, reason)

    def _usable(self, version: int) -> Model | None:
        try:
            model = self.model(version)
        except ForestUnfit as unfit:
            model, problem = None, unfit.message
        else:
            problem = "it was grown from other features"
        if model is not None and model.fits:
            return model
        logger.error(
            "The model of anomalies in force cannot be used; nobody is vetoed.",
            extra={"alarm": "oracle.model_unfit", "version": version, "problem": problem},
        )
        return None

    def _choose(self, tx: Transaction, version: int | None, *, is_pinned: bool, actor: str, reason: str) -> None:
        tx.execute(Q["choose"], version=version, is_pinned=is_pinned, actor=actor, reason=reason, now=self._clock.now())

    def _audited(self, tx: Transaction, action: str, version: int | None, actor: str, reason: str) -> Choice:
        details = {"version": version, "reason": reason}
        self._audit.record(tx, actor=actor, action=action, subject="oracle:anomaly_model", details=details)
        return Choice(**tx.one(Q["choice"]))
