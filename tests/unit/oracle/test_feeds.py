"""Names and order of feeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.ftso.feed import FtsoFeed

from functions.oracle.core.feeds import (
    Category,
    CommunityOffer,
    Feed,
    FeedIdUnfit,
    FeedNameUnfit,
    feed_category,
    feed_id,
    feed_name,
    feed_order,
)
from tests.unit.oracle.facts import flare_feeds, protocol, unhex

pytestmark = pytest.mark.unit

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
BTC, ETH, XRP, ADA = (Feed(feed_id(name), 2) for name in ("BTC/USD", "ETH/USD", "XRP/USD", "ADA/USD"))


def test_the_published_feed_id_of_bitcoin() -> None:
    """Category 1, ASCII, zeros."""
    assert unhex(protocol()["feed_id"]["BTC/USD"]) == feed_id("BTC/USD")


def test_every_feed_of_flare_round_trips() -> None:
    """63 names, each the same after id and back."""
    feeds = flare_feeds()

    assert 63 == len(feeds)
    assert [feed.id for feed in feeds] == [feed_id(feed.name, feed_category(feed.id)) for feed in feeds]


@given(NAMES, st.sampled_from(Category))
def test_a_name_and_category_come_back_out_of_their_id(name: str, category: Category) -> None:
    """Encoding and decoding are inverse, and agree with Flare's own Python."""
    identifier = feed_id(name, category)

    assert (name, category) == (feed_name(identifier), feed_category(identifier))
    assert FtsoFeed.from_represenation_and_type(int(category), name).feed_id == identifier


@pytest.mark.parametrize("name", ["", "A" * 21, "BTC/ÜSD"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    """Empty, 21 characters, not ASCII."""
    with pytest.raises(FeedNameUnfit):
        feed_id(name)


def test_a_name_of_20_characters_fits() -> None:
    """The whole field, without a zero behind it."""
    assert "A" * 20 == feed_name(feed_id("A" * 20))


@pytest.mark.parametrize("identifier", [b"", b"\1" + b"A" * 19, b"\1" + b"A" * 21, b"\1" + b"\xff" * 20])
def test_an_id_of_another_shape_has_no_name(identifier: bytes) -> None:
    """20 or 22 bytes, or not ASCII."""
    with pytest.raises(FeedIdUnfit):
        feed_name(identifier)


@pytest.mark.parametrize("identifier", [b"\0" + b"A" * 20, b"\6" + b"A" * 20, b"\1"])
def test_an_unknown_category_is_refused(identifier: bytes) -> None:
    """0 and 6 are no categories; one byte is no id."""
    with pytest.raises(FeedIdUnfit):
        feed_category(identifier)


def test_inflation_feeds_come_first_ascending_by_id() -> None:
    """Whatever the order of the offers and however rich a community offer is."""
    order = feed_order([XRP, BTC], [CommunityOffer(feed=ADA, amount_wei=10**30)])

    assert (BTC, XRP, ADA) == order


def test_community_feeds_follow_by_total_offer_descending_then_by_id() -> None:
    """Two offers for one feed add up; a tie goes to the smaller id."""
    order = feed_order(
        [],
        [
            CommunityOffer(feed=XRP, amount_wei=6),
            CommunityOffer(feed=ETH, amount_wei=4),
            CommunityOffer(feed=ADA, amount_wei=7),
            CommunityOffer(feed=BTC, amount_wei=6),
            CommunityOffer(feed=ETH, amount_wei=4),
        ],
    )

    assert (ETH, ADA, BTC, XRP) == order


def test_a_feed_with_both_kinds_of_offers_is_listed_once_with_the_inflation_offers_decimals() -> None:
    """The community's decimals do not count, nor do those of a later inflation offer."""
    order = feed_order([BTC, Feed(BTC.id, 3)], [CommunityOffer(feed=Feed(BTC.id, 9), amount_wei=1)])

    assert (BTC,) == order


def test_the_first_community_offer_settles_the_decimals() -> None:
    """A later offer cannot change what a value means."""
    later = Feed(ETH.id, 8)

    order = feed_order([], [CommunityOffer(feed=ETH, amount_wei=1), CommunityOffer(feed=later, amount_wei=5)])

    assert (ETH,) == order


@given(st.permutations([BTC, ETH, XRP, ADA]))
def test_the_order_of_inflation_offers_does_not_matter(offered: list[Feed]) -> None:
    """Everybody derives the same order from the same offers."""
    assert (ADA, BTC, ETH, XRP) == feed_order(offered, [])
