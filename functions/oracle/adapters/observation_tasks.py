"""Observations of finished rounds as durable tasks."""

from collections.abc import Iterable
from datetime import UTC, datetime

from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.sighting import finished_at_s
from kernel.tasks import TaskSpec

# A round that cannot be read waits for a person, and the rounds after it are read all the same.
ATTEMPTS_MAX = 20


def observation_tasks(rounds: Iterable[VotingEpoch]) -> list[TaskSpec]:
    """One task a round, unique by network and round, due when the round is finished."""
    return [
        TaskSpec(
            kind="oracle.observe",
            business_key=f"{voting_round.network.name}:{voting_round.number}",
            payload={"voting_round": voting_round.number},
            run_at=datetime.fromtimestamp(finished_at_s(voting_round), UTC),
            attempts_max=ATTEMPTS_MAX,
        )
        for voting_round in rounds
    ]
