"""The feeds that the local network offers rewards for: those of Flare mainnet, with their decimals and bands."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FEEDS = Path(__file__).with_name("feeds.json")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: its 21-byte id, the decimals of its values, and the width of its secondary reward band."""

    name: str
    id: bytes
    decimals: int
    secondary_band_ppm: int


@dataclass(frozen=True, slots=True)
class CommunityOffer:
    """A reward that somebody offers for one feed, in wei."""

    feed: Feed
    amount_wei: int


@cache
def mainnet_feeds() -> tuple[Feed, ...]:
    """All of them, ascending by id."""
    rows = json.loads(FEEDS.read_text())["feeds"]
    return tuple(
        Feed(row["name"], bytes.fromhex(row["id"][2:]), row["decimals"], row["secondary_band_ppm"]) for row in rows
    )


def feeds_named(*names: str) -> tuple[Feed, ...]:
    """The feeds of those names, in the order given; KeyError for an unknown one."""
    known = {feed.name: feed for feed in mainnet_feeds()}
    return tuple(known[name] for name in names)
