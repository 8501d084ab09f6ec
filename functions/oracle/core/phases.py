"""Owns when each phase of a voting round runs, and when it is too late for it.

    phase      runs at                          too late from
    commit     start of j + commit_s            end of j
    reveal     start of j+1 + reveal_s          reveal deadline of j+1
    sign       start of j+1 + sign_s            end of j+1
    finalise   start of j+1 + finalise_s        end of j+2

A schedule fires once a minute at best, so the phases of the coming rounds are planned ahead and enqueued for their
exact second. A phase is unique by its kind and its key, so planning a round again adds nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from functions.oracle.core.epochs import VotingEpoch
from kernel.errors import Invalid


class OffsetsUnfit(Invalid):
    """Each phase runs inside its window."""

    cause = "An offset lies outside the window that the protocol gives the phase."
    remedy = "Commit within the epoch, reveal before the reveal deadline, sign and finalise from it to the epoch's end."


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Seconds from the start of the voting epoch in which the phase happens."""

    commit_s: float = 75
    reveal_s: float = 20
    sign_s: float = 48
    finalise_s: float = 65


#: What a slow worker may need for a phase, cold and with an RPC endpoint that does not answer.
WORKER_S: Final = 8

#: For networks with epochs of 90 s and a reveal deadline of 45 s. Signing waits 3 s for the last block of reveals.
MAINNET_OFFSETS: Final = Offsets()
#: For a local chain with epochs of 8 s and a reveal deadline of 4 s.
LOCAL_OFFSETS: Final = Offsets(commit_s=4, reveal_s=1, sign_s=5, finalise_s=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One task of one voting round."""

    kind: str
    voting_round: VotingEpoch
    run_at: datetime
    #: The first moment at which it is pointless.
    expires_at: datetime
    #: Seconds after run_at at which a further message goes out, should the first one's bearer die.
    resend_s: tuple[int, ...]

    @property
    def business_key(self) -> str:
        return f"{self.voting_round.network.name}:{self.voting_round.number}"

    @property
    def payload(self) -> dict[str, int]:
        return {"voting_round": self.voting_round.number}


def plan_phases(rounds: Iterable[VotingEpoch], offsets: Offsets) -> list[Phase]:
    """The phases of these rounds in the order in which they run. Raises OffsetsUnfit."""
    phases = [phase for voting_round in rounds for phase in _phases_of(voting_round, offsets)]
    return sorted(phases, key=lambda phase: (phase.run_at, phase.voting_round.number))


def _phases_of(voting_round: VotingEpoch, offsets: Offsets) -> list[Phase]:
    if min(offsets.sign_s, offsets.finalise_s) < voting_round.network.reveal_deadline_s:
        raise OffsetsUnfit(sign_s=str(offsets.sign_s), finalise_s=str(offsets.finalise_s))
    after = voting_round.next
    return [
        _phase("oracle.commit", voting_round, voting_round.start_s, offsets.commit_s, after.start_s),
        _phase("oracle.reveal", voting_round, after.start_s, offsets.reveal_s, after.reveal_deadline_s),
        _phase("oracle.sign", voting_round, after.start_s, offsets.sign_s, after.end_s),
        _phase("oracle.finalise", voting_round, after.start_s, offsets.finalise_s, after.next.end_s),
    ]


def _phase(kind: str, voting_round: VotingEpoch, start_s: int, offset_s: float, expires_at_s: int) -> Phase:
    run_at_s = start_s + offset_s
    if not start_s <= run_at_s < expires_at_s:
        raise OffsetsUnfit(phase=kind)
    return Phase(
        kind=kind,
        voting_round=voting_round,
        run_at=datetime.fromtimestamp(run_at_s, UTC),
        expires_at=datetime.fromtimestamp(expires_at_s, UTC),
        resend_s=insurance_s(expires_at_s - run_at_s),
    )


def insurance_s(window_s: float) -> tuple[int, ...]:
    """When, after the beginning of a window, further messages about its task go out, in case a bearer dies.

    A worker holds its task until shortly before the next message, so one message too many would take the task from
    whoever is merely slow: after a third and two thirds of the window, or after two thirds alone where a third is
    shorter than a slow worker needs.
    """
    third_s = window_s / 3
    moments = (third_s, 2 * third_s) if third_s >= WORKER_S else (2 * third_s,)
    return tuple(int(moment) for moment in moments if moment >= 1)
