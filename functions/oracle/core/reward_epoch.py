"""Owns the rewards of a whole reward epoch: every claim under its root, and what each voter earned.

For each voting round, with its equal part of what is offered:

1. The first secure random number after the round chooses its feed (`rewarded_feed.py`). Without one, all is burnt.
2. Accuracy: 80 % and what rounding leaves, to the votes around the feed's median (`rewards.py`), by delegated weight.
3. Signing and finalising: 10 % each (`signing_rewards.py`), to those who earned something for accuracy in the round.
4. Penalties of offenders and double signers, by delegated weight of the round's whole part.
5. Fast updates: a pot of their own, equally to the updates of the voting epoch, if the feed that the same random number
   chooses lay near its median (`fast_updates.py`).

What nobody earns is burnt. At the end claims of one beneficiary are added up, penalties taken off (`reward_claims.py`),
and where the network has minimal conditions (`minimal_conditions.py`) the claims of those who miss them are burnt.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from functions.oracle.core.fast_updates import accuracy_shares
from functions.oracle.core.feed_values import SLOT_OFFSET, slot_matrix
from functions.oracle.core.finalisers import draw_finalisers
from functions.oracle.core.median import NO_VOTES, Median, weighted_medians
from functions.oracle.core.minimal_conditions import CLOSENESS_PPM, Conduct, Standing, standing
from functions.oracle.core.random_number import RoundRandom
from functions.oracle.core.reward_claims import (
    Claim,
    ClaimType,
    Provider,
    burnt,
    delegation_claims,
    forfeited,
    settled,
    signing_claims,
)
from functions.oracle.core.reward_rules import RewardRules
from functions.oracle.core.reward_terms import Terms
from functions.oracle.core.rewarded_feed import RoundPot, round_pot, round_share, selection
from functions.oracle.core.rewards import RewardConfig, split
from functions.oracle.core.rounds import RoundResult
from functions.oracle.core.signing_policy import SigningPolicy
from functions.oracle.core.signing_rewards import (
    Deposit,
    Finalisation,
    double_signers,
    pay_finalisers,
    pay_signers,
    penalty,
    rewarded_signers,
)
from kernel.amounts import ONE_PPM


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardVoter:
    """A registered voter, at its position in the signing policy. median_weight: of its votes."""

    provider: Provider
    submit: str
    weight: int
    median_weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRound:
    """What a round's rewards follow from. Positions are the signing policy's.

    votes: the value vector of everybody who revealed validly. offenders: submit addresses. finalised_hash: of the
    message that the first finalisation in time brought. updates: of fast updates in the voting epoch, in chain order.
    update_feeds: feed id to value and decimals, as the voting epoch ended.
    """

    voting_round: int
    random: RoundRandom | None
    votes: Mapping[int, bytes]
    offenders: frozenset[str]
    deposits: tuple[Deposit, ...]
    finalisations: tuple[Finalisation, ...]
    finalised_hash: bytes | None
    updates: tuple[int, ...] = ()
    update_feeds: Mapping[bytes, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one voter earned, in wei, and how it met the minimal conditions."""

    accuracy_wei: int
    signing_wei: int
    finalising_wei: int
    updating_wei: int
    penalty_wei: int
    conduct: Conduct
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRewards:
    """The claims of a reward epoch, ascending, and the voters' shares in the signing policy's order."""

    claims: tuple[Claim, ...]
    shares: tuple[Share, ...]
    offered_wei: int
    burnt_wei: int

    @property
    def weight_based(self) -> int:
        """How many claims are shared by others' weight: the number that is signed beside the root."""
        return sum(claim.type in (ClaimType.WNAT, ClaimType.MIRROR) for claim in self.claims)


def lookahead_randoms(rounds: Iterable[RewardRound]) -> dict[int, RoundRandom]:
    """voting round to its random number, as far as rounds had a result."""
    return {one.voting_round: one.random for one in rounds if one.random is not None}


def epoch_rewards(
    terms: Terms,
    voters: Sequence[RewardVoter],
    policy: SigningPolicy,
    rounds: Mapping[int, RewardRound],
    randoms: Mapping[int, RoundRandom],
    rules: RewardRules,
    passes: Mapping[str, int],
) -> EpochRewards:
    """The rewards of a reward epoch that has ended. Raises KeyError for a round that was not recorded.

    voters: in the signing policy's order. randoms: also of the rounds after the epoch. passes: identity to what the
    reward epoch before left.
    """
    book = _Book(terms, voters, policy, rules)
    for number in range(terms.first_round, terms.last_round + 1):
        book.enter(rounds[number], selection(number, terms.last_round, randoms))
    conducts = [book.conduct(position, passes) for position in range(len(voters))]
    standings = [standing(conduct) for conduct in conducts]
    claims = settled(book.claims, rules.burn_address)
    if rules.has_conditions:
        losers = [voter for voter, one in zip(voters, standings, strict=True) if not one.is_rewarded]
        claims = forfeited(claims, {address for loser in losers for address in _addresses(loser)}, rules.burn_address)
    offered_wei = terms.offered_wei + terms.updates_wei
    if sum(claim.amount for claim in claims) != offered_wei:
        raise AssertionError("the claims are not what was offered")
    burnt_wei = sum(claim.amount for claim in claims if claim.beneficiary == rules.burn_address)
    shares = (book.share(position, conducts[position], standings[position]) for position in range(len(voters)))
    return EpochRewards(claims=tuple(claims), shares=tuple(shares), offered_wei=offered_wei, burnt_wei=burnt_wei)


def close_votes(slots: npt.NDArray[np.uint32], medians: Sequence[Median]) -> list[int]:
    """How many votes of each row are hits, as `minimal_conditions.hits` has them, all at once."""
    middles = np.array([median.value or 0 for median in medians], dtype=np.int64)
    has_median = np.array([median.value is not None for median in medians], dtype=bool)
    distances = np.abs(slots.astype(np.int64) - SLOT_OFFSET - middles)
    close = (slots > 0) & has_median & (distances <= np.abs(middles) * CLOSENESS_PPM // ONE_PPM)
    return [int(count) for count in close.sum(axis=1)]


class _Votes(NamedTuple):
    """The valid votes of a round: a row of slots a position, and the medians of the columns."""

    positions: Sequence[int]
    slots: npt.NDArray[np.uint32]
    medians: Sequence[Median]


class _Book:
    """The claims of the rounds so far."""

    def __init__(self, terms: Terms, voters: Sequence[RewardVoter], policy: SigningPolicy, rules: RewardRules) -> None:
        self._terms, self._voters, self._policy, self._rules = terms, voters, policy, rules
        self._weights = {voter.submit: voter.median_weight for voter in voters}
        self._position = {voter.submit: position for position, voter in enumerate(voters)}
        self._feeds = {one.feed_id: position for position, one in enumerate(terms.feeds)}
        self._delegated = sum(voter.provider.delegated_weight for voter in voters)
        # Added up at once: a whole reward epoch has more than a million claims of a few hundred beneficiaries.
        self._earned: Counter[tuple[str, ClaimType]] = Counter()
        self._owed: Counter[tuple[str, ClaimType]] = Counter()
        self._accuracy: Counter[int] = Counter()
        self._signing: Counter[int] = Counter()
        self._finalising: Counter[int] = Counter()
        self._updating: Counter[int] = Counter()
        self._penalties: Counter[int] = Counter()
        self._hits: Counter[int] = Counter()
        self._updates: Counter[int] = Counter()

    @property
    def claims(self) -> Iterator[Claim]:
        """One a beneficiary, type and sign."""
        for sums in (self._earned, self._owed):
            for (beneficiary, kind), amount in sums.items():
                yield Claim(beneficiary, kind, amount)

    def enter(self, one: RewardRound, seed: int | None) -> None:
        """The rewards of one round."""
        terms, number = self._terms, one.voting_round
        amount = round_share(terms.offered_wei, number, terms.first_round, terms.last_round)
        for_updates = round_share(terms.updates_wei, number, terms.first_round, terms.last_round)
        votes = self._read(one)
        self._count(one, votes)
        if seed is None:
            self._burn(amount + for_updates)
            return
        pot = round_pot(amount)
        accurate = self._pay_accuracy(one, votes, seed, pot.accuracy)
        self._pay_services(one, pot, accurate)
        self._punish(one, amount)
        self._pay_updates(one, votes.medians, seed, for_updates)

    def conduct(self, position: int, passes: Mapping[str, int]) -> Conduct:
        """What a voter did in the epoch. Stakes are not on this chain, so their condition counts as met."""
        voter, terms = self._voters[position], self._terms
        return Conduct(
            hits=self._hits[position],
            possible=(terms.last_round - terms.first_round + 1) * len(terms.feeds),
            updates=self._updates[position],
            all_updates=sum(self._updates.values()),
            weight=voter.weight,
            total_weight=self._policy.total_weight,
            stake=None,
            passes=passes.get(voter.provider.identity, 0),
        )

    def share(self, position: int, conduct: Conduct, found: Standing) -> Share:
        """What a voter earned."""
        return Share(
            accuracy_wei=self._accuracy[position],
            signing_wei=self._signing[position],
            finalising_wei=self._finalising[position],
            updating_wei=self._updating[position],
            penalty_wei=self._penalties[position],
            conduct=conduct,
            standing=found,
        )

    def _read(self, one: RewardRound) -> "_Votes":
        positions = sorted(one.votes)
        slots = slot_matrix([one.votes[position] for position in positions], len(self._terms.feeds))
        weights = [self._voters[position].median_weight for position in positions]
        medians = weighted_medians(slots, weights) if positions else [NO_VOTES] * len(self._terms.feeds)
        return _Votes(positions, slots, medians)

    def _count(self, one: RewardRound, votes: "_Votes") -> None:
        self._hits.update(dict(zip(votes.positions, close_votes(votes.slots, votes.medians), strict=True)))
        self._updates.update(one.updates)

    def _pay_accuracy(self, one: RewardRound, votes: "_Votes", seed: int, pool: int) -> frozenset[int]:
        """The positions that earned something which is shared with their delegators."""
        position = seed % len(self._terms.feeds)
        feed = self._terms.feeds[position]
        config = RewardConfig(
            voting_round=one.voting_round,
            feed_id=feed.feed_id,
            position=0,  # of the one feed that is looked at
            registered_weight=sum(self._weights.values()),
            secondary_band_ppm=feed.secondary_band_ppm,
            primary_share_ppm=feed.primary_share_ppm,
            min_turnout_bips=feed.min_turnout_bips,
        )
        slots = dict(zip(votes.positions, votes.slots[:, position].tolist(), strict=True))
        values = {self._voters[voter].submit: [slot - SLOT_OFFSET if slot else None] for voter, slot in slots.items()}
        result = RoundResult(medians=(votes.medians[position],), offenders=one.offenders)
        shares = split(result, values, self._weights, pool, config)
        paid = {self._position[voter]: wei for voter, wei in shares.items()}
        accurate = set()
        for voter, wei in paid.items():
            claims = delegation_claims(wei, self._voters[voter].provider)
            self._add(claims)
            if any(claim.type == ClaimType.WNAT for claim in claims):
                accurate.add(voter)
        self._accuracy.update(paid)
        self._burn(pool - sum(paid.values()))
        return frozenset(accurate)

    def _pay_services(self, one: RewardRound, pot: RoundPot, accurate: frozenset[int]) -> None:
        """Signing and finalising."""
        times = self._rules.times
        first = next((sent for sent in one.finalisations if sent.has_changed), None)
        signers = rewarded_signers(one.deposits, one.finalised_hash, first.at_s if first else None, times)
        signed = pay_signers(pot.signing, signers, self._policy.weights, accurate)
        positions = self._policy.positions
        drawn = {address: positions[address] for address in draw_finalisers(self._policy, one.voting_round)}
        finalised = pay_finalisers(pot.finalisation, one.finalisations, drawn, accurate, times)
        for paid, account in ((signed, self._signing), (finalised, self._finalising)):
            for position, wei in paid.by_position.items():
                self._add(signing_claims(wei, self._voters[position].provider))
            account.update(paid.by_position)
            self._add(Claim(sender, ClaimType.DIRECT, wei) for sender, wei in paid.by_address.items() if wei)
            self._burn(paid.burnt)

    def _punish(self, one: RewardRound, amount: int) -> None:
        offenders = [self._position[submit] for submit in sorted(one.offenders) if submit in self._position]
        for position in [*offenders, *sorted(double_signers(one.deposits, self._rules.times))]:
            provider = self._voters[position].provider
            wei = penalty(amount, provider.delegated_weight, self._delegated)
            self._add(signing_claims(wei, provider))
            self._penalties[position] += wei

    def _pay_updates(self, one: RewardRound, medians: Sequence[Median], seed: int, pool: int) -> None:
        paid: dict[int, int] = {}
        feeds = [feed for feed in self._terms.update_feeds if feed.feed_id in self._feeds]
        if feeds and one.updates:
            feed = feeds[seed % len(feeds)]
            place = self._feeds[feed.feed_id]
            found = one.update_feeds.get(feed.feed_id)
            median = (medians[place].value, self._terms.feeds[place].decimals)
            updaters = [str(position) for position in one.updates]
            if found is not None:
                shares = accuracy_shares(pool, updaters, found, median, feed.band_ppm)
                paid = {int(position): wei for position, wei in shares.items()}
        for position, wei in paid.items():
            self._add(delegation_claims(wei, self._voters[position].provider))
        self._updating.update(paid)
        self._burn(pool - sum(paid.values()))

    def _add(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            sums = self._earned if claim.amount > 0 else self._owed
            sums[claim.beneficiary, claim.type] += claim.amount

    def _burn(self, wei: int) -> None:
        if wei:
            self._add([burnt(wei, self._rules.burn_address)])


def _addresses(voter: RewardVoter) -> Iterable[str]:
    return (voter.provider.identity, voter.provider.delegation, *(node for node, _ in voter.provider.nodes))
