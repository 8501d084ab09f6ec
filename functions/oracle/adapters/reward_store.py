"""Rewards, registrations and claims, stored. A record_ method ends the task whose fence it is given, or keeps it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.reward_claims import Claim, ClaimType
from functions.oracle.core.reward_epoch import EpochRewards, RewardRound, RewardVoter, Share
from functions.oracle.core.reward_records import decode_round, encode_round
from functions.oracle.core.reward_terms import Terms
from kernel.postgres import Postgres, Queries, Transaction

Q: Final = Queries.load(Path(__file__).with_name("rewards.sql"))
ROUNDS_HELD: Final = 100
JSON_COLUMNS: Final = ("offenders", "deposits", "finalisations", "updates", "update_feeds")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpoch:
    """The rewards of a reward epoch as we computed them."""

    reward_epoch: int
    first_round: int
    last_round: int
    state: str
    offered_wei: int
    burnt_wei: int
    ours_wei: int
    rewards_root: bytes | None
    weight_based_claims: int
    attempts: int
    chain_root: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClaim:
    """One leaf, and what we did about it."""

    claim: Claim
    is_ours: bool
    attempts: int
    is_claimed: bool


class RecordedRounds(Mapping[int, RewardRound]):
    """Records by voting round. A reward epoch of them is 100 MB, so a few are held at a time: ask in their order."""

    def __init__(self, postgres: Postgres, numbers: range, feed_count: int) -> None:
        self._postgres, self._numbers, self._feed_count = postgres, numbers, feed_count
        self._held: dict[int, RewardRound] = {}

    def __getitem__(self, number: int) -> RewardRound:
        if number not in self._held:
            if number not in self._numbers:
                raise KeyError(number)
            first, last = number, min(number + ROUNDS_HELD - 1, self._numbers[-1])
            with self._postgres.transaction() as tx:
                rows = tx.all(Q["reward_rounds"], first=first, last=last)
            self._held = {row["voting_round"]: decode_round(row, self._feed_count) for row in rows}
        return self._held[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class RewardStore:
    """Reads open a transaction of their own, writes take the caller's."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def registration_attempts(self, reward_epoch: int) -> int:
        """How many transactions were recorded to register us."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["registration"], reward_epoch=reward_epoch)
        return 0 if row is None else int(row["attempts"])

    def randoms(self, first: int, last: int) -> dict[int, RoundRandom | None]:
        """The recorded rounds of a range, both ends included; None for a round without a result."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["recorded_randoms"], first=first, last=last)
        return {
            row["voting_round"]: None
            if row["random"] is None
            else RoundRandom(int(row["random"]), row["is_secure_random"])
            for row in rows
        }

    def rounds(self, first: int, last: int, feed_count: int) -> "RecordedRounds":
        """The records of a range, both ends included, read as they are asked for."""
        return RecordedRounds(self._postgres, range(first, last + 1), feed_count)

    def epoch(self, reward_epoch: int) -> StoredEpoch | None:
        """The rewards of a reward epoch, or None before they are computed."""
        with self._postgres.transaction() as tx:
            row = tx.maybe(Q["reward_epoch"], reward_epoch=reward_epoch)
        if row is None:
            return None
        whole = {name: int(row[name]) for name in ("offered_wei", "burnt_wei", "ours_wei")}
        roots = {name: None if row[name] is None else bytes(row[name]) for name in ("rewards_root", "chain_root")}
        return StoredEpoch(**{**row, **whole, **roots})

    def claims(self, reward_epoch: int) -> list[StoredClaim]:
        """Every leaf under a reward epoch's root, ascending."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["reward_claims"], reward_epoch=reward_epoch)
        return [
            StoredClaim(
                claim=Claim(row["beneficiary"], ClaimType(row["claim_type"]), int(row["amount_wei"])),
                is_ours=row["is_ours"],
                attempts=row["attempts"],
                is_claimed=row["claimed_at"] is not None,
            )
            for row in rows
        ]

    def passes(self, reward_epoch: int) -> dict[str, int]:
        """Identity to what the minimal conditions of a reward epoch left it; nobody where we did not compute it."""
        with self._postgres.transaction() as tx:
            rows = tx.all(Q["passes"], reward_epoch=reward_epoch)
        return {row["voter"]: row["passes"] for row in rows}


def insert_round(tx: Transaction, reward_epoch: int, one: RewardRound, feed_count: int, read_at_block: int) -> None:
    """The record of a round; the first one stands."""
    columns = encode_round(one, feed_count)
    columns |= {name: Jsonb(columns[name]) for name in JSON_COLUMNS}
    tx.execute(Q["insert_reward_round"], reward_epoch=reward_epoch, read_at_block=read_at_block, **columns)


def insert_epoch(
    tx: Transaction,
    terms: Terms,
    voters: Sequence[RewardVoter],
    rewards: EpochRewards,
    root: bytes | None,
    ours: Mapping[str, frozenset[ClaimType]],
) -> None:
    """The rewards of a reward epoch. ours: our addresses to the types of claims that are ours to claim."""
    reward_epoch = terms.reward_epoch
    mine = [claim.type in ours.get(claim.beneficiary, ()) for claim in rewards.claims]
    tx.execute(
        Q["insert_reward_epoch"],
        reward_epoch=reward_epoch,
        first_round=terms.first_round,
        last_round=terms.last_round,
        offered_wei=rewards.offered_wei,
        burnt_wei=rewards.burnt_wei,
        ours_wei=sum(claim.amount for claim, is_ours in zip(rewards.claims, mine, strict=True) if is_ours),
        rewards_root=root,
        weight_based_claims=rewards.weight_based,
    )
    shares = zip(voters, rewards.shares, strict=True)
    rows = [_share_row(position, voter, share) for position, (voter, share) in enumerate(shares)]
    tx.many(
        Q["insert_reward_share"],
        [row | {"reward_epoch": reward_epoch, "is_ours": ClaimType.FEE in ours.get(row["voter"], ())} for row in rows],
    )
    tx.many(
        Q["insert_reward_claim"],
        [
            {
                "reward_epoch": reward_epoch,
                "beneficiary": claim.beneficiary,
                "claim_type": int(claim.type),
                "amount_wei": claim.amount,
                "is_ours": is_ours,
            }
            for claim, is_ours in zip(rewards.claims, mine, strict=True)
        ],
    )


def _share_row(position: int, voter: RewardVoter, share: Share) -> dict[str, Any]:
    conduct = share.conduct
    return {
        "position": position,
        "voter": voter.provider.identity,
        "weight": voter.weight,
        "median_weight": voter.median_weight,
        "accuracy_wei": share.accuracy_wei,
        "signing_wei": share.signing_wei,
        "finalising_wei": share.finalising_wei,
        "updating_wei": share.updating_wei,
        "penalty_wei": share.penalty_wei,
        "hits": conduct.hits,
        "possible": conduct.possible,
        "updates": conduct.updates,
        "all_updates": conduct.all_updates,
        "passes": share.standing.passes,
        "is_rewarded": share.standing.is_rewarded,
    }
