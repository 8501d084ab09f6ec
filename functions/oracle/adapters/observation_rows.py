"""Observed rounds as rows of their tables, ascending by address, so that no two writers wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from functions.oracle.core.observation import Fault

if TYPE_CHECKING:
    from functions.oracle.core.sighting import Observation, Sight

Row = dict[str, Any]


def of_round(sight: Sight, seen: Observation, read_at_block: int, now: datetime) -> Row:
    """The round itself."""
    ours = seen.accuracies.get(sight.ourselves)
    return {
        "voting_round": sight.voting_round.number,
        "reward_epoch": sight.reward_epoch,
        "message": sight.message,
        "finalised_at": sight.relayed and datetime.fromtimestamp(sight.relayed.at_s, UTC),
        "faulty_weight_bips": seen.faulty_weight_bips,
        "our_hits": ours and ours.hits,
        "our_possible": ours and ours.possible,
        "our_deviations_ppm": list(seen.our_deviations_ppm),
        "read_at_block": read_at_block,
        "observed_at": now,
    }


def of_epoch(sight: Sight) -> Row:
    """What it adds to its reward epoch."""
    return {
        "reward_epoch": sight.reward_epoch,
        "first_round": sight.first_round,
        "ourselves": sight.ourselves,
        "finalised": int(sight.relayed is not None),
        "voting_round": sight.voting_round.number,
    }


def of_voters(sight: Sight) -> list[Row]:
    """The registered voters."""
    voters = zip(sight.voters, sight.registrations, sight.signing_weights, strict=True)
    told = [
        {
            "reward_epoch": sight.reward_epoch,
            "submit_address": voter.submit,
            "position": position,
            "signing_weight": signing_weight,
            **registration._asdict(),
        }
        for position, (voter, registration, signing_weight) in enumerate(voters)
    ]
    return sorted(told, key=lambda row: str(row["submit_address"]))


def of_conduct(sight: Sight, seen: Observation) -> list[Row]:
    """What the round adds to each voter."""
    return [
        {
            "reward_epoch": sight.reward_epoch,
            "submit_address": voter,
            "faulty": int(voter in seen.faults),
            **accuracy._asdict(),
        }
        for voter, accuracy in sorted(seen.accuracies.items())
    ]


def of_faults(sight: Sight, seen: Observation, *, low_before: Collection[str]) -> list[Row]:
    """Everything that somebody did wrong; a low balance only where it was not low at the look before."""
    told = {(voter, fault) for voter, faults in seen.faults.items() for fault in faults}
    told |= {(voter, Fault.LOW_BALANCE) for payer, voter in _payers(sight) if payer in seen.low - set(low_before)}
    return [
        {
            "voting_round": sight.voting_round.number,
            "submit_address": voter,
            "fault": fault.value,
            "is_ours": voter == sight.ourselves,
            "reward_epoch": sight.reward_epoch,
        }
        for voter, fault in sorted(told)
    ]


def of_payers(sight: Sight, seen: Observation, read_at_block: int) -> list[Row]:
    """What the paying addresses hold."""
    return [
        {
            "address": payer,
            "submit_address": voter,
            "is_ours": voter == sight.ourselves,
            "balance_wei": sight.balances_wei[payer],
            "is_low": payer in seen.low,
            "read_at_block": read_at_block,
        }
        for payer, voter in _payers(sight)
    ]


def _payers(sight: Sight) -> Iterator[tuple[str, str]]:
    """Each paying address with its voter, ascending."""
    payers = {voter.submit_signatures: voter.submit for voter in sight.voters}
    payers |= {voter.submit: voter.submit for voter in sight.voters}
    payers |= dict.fromkeys((sight.ourselves, sight.finaliser), sight.ourselves)
    return iter(sorted(payers.items()))
