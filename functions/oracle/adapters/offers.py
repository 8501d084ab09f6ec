"""FtsoRewardOffersManager: which feeds a reward epoch has, told by the offers made for it."""

from collections.abc import Iterator

from functions.oracle.adapters.registry import Registry
from functions.oracle.core.feeds import FEED_ID_SIZE_BYTES, CommunityOffer, Feed, feed_order
from kernel.errors import Transient
from kernel.evm.contracts import Event


class NoOffers(Transient):
    """No reward offer for this reward epoch is on the chain yet."""

    cause = "Offers for a reward epoch are made during the one before it."
    remedy = "The work is tried again; check the RPC endpoint's log history if this lasts."


def offered_feeds(registry: Registry, reward_epoch: int) -> tuple[Feed, ...]:
    """The feeds of a reward epoch, in the order of its value vectors. Raises NoOffers.

    Offers are made while the epoch before is running, so their logs lie between that epoch's vote power block and
    the newest block.
    """
    manager = registry.systems_manager
    first = manager.call("getVotePowerBlock", max(reward_epoch - 1, 0)) if reward_epoch > 0 else 0
    events = list(
        registry.offers.events(
            "InflationRewardsOffered",
            "RewardsOffered",
            from_block=first,
            to_block=manager.pool.head().number,
            topics=[reward_epoch.to_bytes(32, "big")],
        )
    )
    if not events:
        raise NoOffers(reward_epoch=reward_epoch)
    inflation = [
        feed for event in events if event.name == "InflationRewardsOffered" for feed in _inflation_feeds(event)
    ]
    community = [_community_offer(event) for event in events if event.name == "RewardsOffered"]
    return feed_order(inflation, community)


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
