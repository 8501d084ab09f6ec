"""FtsoRewardOffersManager: which feeds a reward epoch has, told by the offers made for it."""

from collections.abc import Iterator, Sequence
from typing import Final

from functions.oracle.adapters.registry import Registry
from functions.oracle.core.feeds import FEED_ID_SIZE_BYTES, CommunityOffer, Feed, feed_order
from functions.oracle.core.reward_terms import FeedTerms
from kernel.amounts import ONE_PPM
from kernel.errors import Transient
from kernel.evm.contracts import Contract, Event

BAND_SIZE_BYTES: Final = 3


class NoOffers(Transient):
    """No reward offer for this reward epoch is on the chain yet."""

    cause = "Offers for a reward epoch are made during the one before it."
    remedy = "The work is tried again; check the RPC endpoint's log history if this lasts."


def offered_feeds(registry: Registry, reward_epoch: int) -> tuple[Feed, ...]:
    """The feeds of a reward epoch, in the order of its value vectors. Raises NoOffers."""
    events = _offers(registry, reward_epoch)
    inflation = [
        feed for event in events if event.name == "InflationRewardsOffered" for feed in _inflation_feeds(event)
    ]
    community = [_community_offer(event) for event in events if event.name == "RewardsOffered"]
    return feed_order(inflation, community)


def offered_terms(registry: Registry, reward_epoch: int, feeds: Sequence[Feed]) -> tuple[int, tuple[FeedTerms, ...]]:
    """What is offered for a reward epoch, in wei, and how each of its feeds is rewarded. Raises NoOffers.

    Of several groups of inflation that name a feed the last one counts. A feed that only the community offers for is
    rewarded within its quartiles, whatever the offer says, and whatever the turnout.
    """
    events = _offers(registry, reward_epoch)
    groups: dict[bytes, FeedTerms] = {}
    for event in events:
        if event.name == "InflationRewardsOffered":
            groups |= {terms.feed_id: terms for terms in _group(event)}
    terms = tuple(
        groups.get(feed.id)
        or FeedTerms(
            feed_id=feed.id,
            decimals=feed.decimals,
            min_turnout_bips=0,
            primary_share_ppm=ONE_PPM,
            secondary_band_ppm=0,
        )
        for feed in feeds
    )
    return sum(event.arguments["amount"] for event in events), terms


def offers_since(contract: Contract, manager: Contract, reward_epoch: int, names: Sequence[str]) -> Iterator[Event]:
    """The events that offer something for a reward epoch, in chain order.

    Offers are made while the epoch before is running, so their logs lie between that epoch's vote power block and
    the newest block.
    """
    first = manager.call("getVotePowerBlock", max(reward_epoch - 1, 0)) if reward_epoch > 0 else 0
    return contract.events(
        *names, from_block=first, to_block=manager.pool.head().number, topics=[reward_epoch.to_bytes(32, "big")]
    )


def _offers(registry: Registry, reward_epoch: int) -> list[Event]:
    names = ("InflationRewardsOffered", "RewardsOffered")
    events = list(offers_since(registry.offers, registry.systems_manager, reward_epoch, names))
    if not events:
        raise NoOffers(reward_epoch=reward_epoch)
    return events


def _group(event: Event) -> Iterator[FeedTerms]:
    """secondaryBandWidthPPMs is 3 bytes a feed."""
    said, bands = event.arguments, event.arguments["secondaryBandWidthPPMs"]
    for index, feed in enumerate(_inflation_feeds(event)):
        yield FeedTerms(
            feed_id=feed.id,
            decimals=feed.decimals,
            min_turnout_bips=said["minRewardedTurnoutBIPS"],
            primary_share_ppm=said["primaryBandRewardSharePPM"],
            secondary_band_ppm=int.from_bytes(bands[index * BAND_SIZE_BYTES : (index + 1) * BAND_SIZE_BYTES], "big"),
        )


def _inflation_feeds(event: Event) -> Iterator[Feed]:
    """feedIds is 21 bytes a feed, decimals one signed byte a feed."""
    identifiers, decimals = event.arguments["feedIds"], event.arguments["decimals"]
    for index in range(len(identifiers) // FEED_ID_SIZE_BYTES):
        start = index * FEED_ID_SIZE_BYTES
        yield Feed(
            identifiers[start : start + FEED_ID_SIZE_BYTES],
            int.from_bytes(decimals[index : index + 1], "big", signed=True),
        )


def _community_offer(event: Event) -> CommunityOffer:
    feed = Feed(event.arguments["feedId"], event.arguments["decimals"])
    return CommunityOffer(feed=feed, amount_wei=event.arguments["amount"])
