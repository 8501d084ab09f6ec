"""Owns what a feed is called and in which order a reward epoch lists its feeds.

feed id, 21 bytes:  category 1 B | name in ASCII, zeros on the right, 20 B
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kernel.errors import Invalid

FEED_ID_SIZE_BYTES: Final = 21
FEED_NAME_SIZE_BYTES_MAX: Final = 20


class FeedNameUnfit(Invalid):
    """A feed name is 1 to 20 ASCII characters."""

    cause = "The name is empty, too long or not ASCII."
    remedy = "Use a name such as BTC/USD."


class FeedIdUnfit(Invalid):
    """A feed id is a known category byte and a zero-padded ASCII name, 21 bytes in all."""

    cause = "The identifier does not follow the protocol's layout."
    remedy = "Take feed ids from the chain's reward offers."


class Category(IntEnum):
    """The first byte of a feed id."""

    CRYPTO = 1
    FOREX = 2
    COMMODITY = 3
    STOCK = 4
    CUSTOM = 5


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed in the order of a reward epoch: its id, and how many decimals its integer values have."""

    id: bytes
    decimals: int

    @property
    def name(self) -> str:
        return feed_name(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityOffer:
    """A reward that somebody offered for a feed in a reward epoch."""

    feed: Feed
    amount_wei: int


def feed_id(name: str, category: Category = Category.CRYPTO) -> bytes:
    """21 bytes for a name such as BTC/USD. Raises FeedNameUnfit."""
    if not (name.isascii() and 0 < len(name) <= FEED_NAME_SIZE_BYTES_MAX):
        raise FeedNameUnfit
    return bytes([category]) + name.encode().ljust(FEED_NAME_SIZE_BYTES_MAX, b"\0")


def feed_name(identifier: bytes) -> str:
    """The name inside a feed id. Raises FeedIdUnfit."""
    name = identifier[1:].rstrip(b"\0")
    if len(identifier) != FEED_ID_SIZE_BYTES or not name.isascii():
        raise FeedIdUnfit
    return name.decode()


def feed_category(identifier: bytes) -> Category:
    """The category of a feed id. Raises FeedIdUnfit."""
    if len(identifier) != FEED_ID_SIZE_BYTES or identifier[0] not in set(Category):
        raise FeedIdUnfit
    return Category(identifier[0])


def feed_order(inflation: Iterable[Feed], community: Iterable[CommunityOffer]) -> tuple[Feed, ...]:
    """The feeds of a reward epoch in the order of its value vectors.

    1. Feeds that the inflation offers name, ascending by id; the first offer settles the decimals.
    2. Feeds that only the community offers name, by total offer descending, then ascending by id.
    """
    offered = {feed.id: feed for feed in reversed(list(inflation))}
    added: dict[bytes, Feed] = {}
    total_wei: dict[bytes, int] = {}
    for offer in community:
        added.setdefault(offer.feed.id, offer.feed)
        total_wei[offer.feed.id] = total_wei.get(offer.feed.id, 0) + offer.amount_wei

    only_added = sorted(added.keys() - offered.keys(), key=lambda key: (-total_wei[key], key))
    return tuple(offered[key] for key in sorted(offered)) + tuple(added[key] for key in only_added)
