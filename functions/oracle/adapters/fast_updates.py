"""FastUpdater and its incentives: who updated the block-latency feeds, where these stood, and what is offered for it.

A network without fast updates has none of these contracts: then there were no updates, and nothing is offered.
"""

from functools import cached_property
from typing import NamedTuple

from functions.oracle.adapters.offers import offers_since
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.submission import Submissions
from functions.oracle.core.epochs import VotingEpoch
from functions.oracle.core.reward_terms import UpdateTerms
from kernel.abi import uint_word
from kernel.evm.blocks import Head
from kernel.evm.contracts import Contract


class Span(NamedTuple):
    """Blocks, both ends included."""

    first: int
    last: int


class FastUpdates:
    """What the chain tells of fast updates."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def span(self, voting_round: VotingEpoch, head: Head) -> Span | None:
        """The blocks of a round's voting epoch and of the one after it, or None without fast updates."""
        if self._updater is None:
            return None
        blocks = Submissions(self._registry.submission)
        first = blocks.first_block_at(voting_round.start_s, head)
        return Span(first, blocks.first_block_at(voting_round.next.end_s, head) - 1)

    def positions(self, voting_round: VotingEpoch, positions: dict[str, int], span: Span | None) -> tuple[int, ...]:
        """Who updated in the round's voting epoch, one position an update, in chain order."""
        if self._updater is None or span is None:
            return ()
        events = self._updater.events(
            "FastUpdateFeedsSubmitted",
            from_block=span.first,
            to_block=span.last,
            topics=[uint_word(voting_round.number)],
        )
        updaters = (event.arguments["signingPolicyAddress"].lower() for event in events)
        return tuple(positions[updater] for updater in updaters if updater in positions)

    def feeds(self, voting_round: VotingEpoch, reward_epoch: int, span: Span | None) -> dict[bytes, tuple[int, int]]:
        """Feed id to value and decimals as the round's voting epoch ended; nothing where the chain has not told."""
        if self._updater is None or span is None:
            return {}
        told = next(
            self._updater.events(
                "FastUpdateFeeds",
                from_block=span.first,
                to_block=span.last,
                topics=[uint_word(voting_round.number)],
            ),
            None,
        )
        if told is None:
            return {}
        configured = self.offered(reward_epoch)[1]
        values = zip(configured, told.arguments["feeds"], told.arguments["decimals"], strict=False)
        return {terms.feed_id: (value, decimals) for terms, value, decimals in values}

    def offered(self, reward_epoch: int) -> tuple[int, tuple[UpdateTerms, ...]]:
        """What is offered for a reward epoch's fast updates, in wei, and for which feeds, in the order of the feeds."""
        if self._incentives is None:
            return 0, ()
        amount_wei = 0
        feeds: tuple[UpdateTerms, ...] = ()
        for event in offers_since(self._incentives, self._registry.systems_manager, reward_epoch, _OFFERS):
            if event.name == "IncentiveOffered":
                amount_wei += event.arguments["offerAmount"]
                continue
            amount_wei += event.arguments["amount"]
            feeds = tuple(UpdateTerms(feed_id=row[0], band_ppm=row[1]) for row in event.arguments["feedConfigurations"])
        return amount_wei, feeds

    @cached_property
    def _updater(self) -> Contract | None:
        return self._maybe("FastUpdater")

    @cached_property
    def _incentives(self) -> Contract | None:
        return self._maybe("FastUpdateIncentiveManager")

    def _maybe(self, name: str) -> Contract | None:
        return self._registry.contract(name) if self._registry.knows(name) else None


_OFFERS = ("InflationRewardsOffered", "IncentiveOffered")
