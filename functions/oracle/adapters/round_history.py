"""The voting rounds as stored: our own part in them, and their results as we computed them. Needs no key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.oracle.adapters.statements import Q
from functions.oracle.core.message import ProtocolMessage, encode_protocol_message
from kernel.errors import NotFound
from kernel.postgres import Postgres


class RoundUnknown(NotFound):
    """We took no part in this round."""

    cause = "The round is in the future, long past, or from a time when this provider was not running."
    remedy = "Ask for a round that this provider committed to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Our commitment of a round, its opening still sealed."""

    voting_round: int
    submitter: str
    commit_hash: bytes
    sealed: bytes
    committed_at: datetime
    revealed_at: datetime | None
    signed_at: datetime | None
    finalised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRound:
    """A round's result as we computed it."""

    voting_round: int
    reward_epoch: int
    merkle_root: bytes | None
    is_secure_random: bool
    random: int | None
    medians: list[dict[str, Any]]
    offenders: list[str]
    read_at_block: int
    computed_at: datetime

    @property
    def message(self) -> bytes | None:
        """The 38 bytes that the round's signatures sign, or None where there is no result to sign."""
        if self.merkle_root is None:
            return None
        return encode_protocol_message(
            ProtocolMessage(self.voting_round, self.is_secure_random, bytes(self.merkle_root))
        )


class RoundHistory:
    """Reads of the rounds."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def submission(self, voting_round: int) -> Submission | None:
        """Our commitment of a round, or None where we made none."""
        row = self._postgres.glance.maybe(Q["submission"], voting_round=voting_round)
        return None if row is None else Submission(**row)

    def result(self, voting_round: int) -> StoredRound | None:
        """A round's result, or None while we have not computed it."""
        row = self._postgres.glance.maybe(Q["round"], voting_round=voting_round)
        if row is None:
            return None
        return StoredRound(**(row | {"random": None if row["random"] is None else int(row["random"])}))

    def offenders_between(self, first: int, last: int) -> dict[int, frozenset[str]]:
        """Offenders (lower-case submit addresses) of the rounds of an inclusive range that we computed."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["offenders_between"], first=first, last=last)
        return {row["voting_round"]: frozenset(row["offenders"]) for row in rows}
