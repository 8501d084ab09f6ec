"""The offers of a reward epoch decide its feeds and their order, and fill its pool."""

from collections.abc import Callable

import pytest

from functions.oracle.core.feeds import CommunityOffer as CoreOffer
from functions.oracle.core.feeds import Feed as CoreFeed
from functions.oracle.core.feeds import feed_order
from infra.local.flare.feeds import CommunityOffer, Feed, feeds_named, mainnet_feeds
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events, read
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

ETHER = 10**18
NO_ADDRESS = "0x" + "00" * 20


def inflation_of(network: FlareNetwork) -> list[tuple[bytes, int, int]]:
    """Feed id, decimals and band width of each inflation feed, cut out of the event's bytes."""
    return [
        (
            event["feedIds"][21 * number : 21 * number + 21],
            int.from_bytes(event["decimals"][number : number + 1], "big", signed=True),
            int.from_bytes(event["secondaryBandWidthPPMs"][3 * number : 3 * number + 3], "big"),
        )
        for event in events(network, "FtsoRewardOffersManager", "InflationRewardsOffered")
        for number in range(len(event["feedIds"]) // 21)
    ]


def test_inflation_offers_every_feed_with_its_decimals_and_band(network: FlareNetwork) -> None:
    """63 feeds of mainnet, ascending by id, for the initial reward epoch."""
    event = events(network, "FtsoRewardOffersManager", "InflationRewardsOffered")[0]
    expected = [(feed.id, feed.decimals, feed.secondary_band_ppm) for feed in mainnet_feeds()]

    assert 63 == len(expected)
    assert expected == inflation_of(network)
    assert sorted(expected) == expected
    assert (1, 1_000 * ETHER, 5_000, 400_000, 0) == tuple(
        event[name]
        for name in ("rewardEpochId", "amount", "minRewardedTurnoutBIPS", "primaryBandRewardSharePPM", "mode")
    )


def test_offers_decode_into_the_feed_order_of_the_protocol(deploy: Callable[..., FlareNetwork]) -> None:
    """Inflation feeds ascending by id; then community-only ones by falling total offer, ties ascending by id."""
    inflation = feeds_named("XRP/USD", "BTC/USD", "ETH/USD")
    doge, ada, sol, btc = feeds_named("DOGE/USD", "ADA/USD", "SOL/USD", "BTC/USD")
    offers = [
        CommunityOffer(doge, 3 * ETHER),
        CommunityOffer(sol, 5 * ETHER),
        CommunityOffer(ada, 2 * ETHER),
        CommunityOffer(btc, 900 * ETHER),
        CommunityOffer(ada, 3 * ETHER),
    ]
    network = deploy(inflation_feeds=inflation, community_offers=offers)
    told = events(network, "FtsoRewardOffersManager", "RewardsOffered")

    order = feed_order(
        [CoreFeed(feed_id, decimals) for feed_id, decimals, _ in inflation_of(network)],
        [CoreOffer(feed=CoreFeed(row["feedId"], row["decimals"]), amount_wei=row["amount"]) for row in told],
    )

    expected = feeds_named("BTC/USD", "ETH/USD", "XRP/USD", "ADA/USD", "SOL/USD", "DOGE/USD")
    assert [(offer.feed.id, offer.feed.decimals, offer.amount_wei) for offer in offers] == [
        (row["feedId"], row["decimals"], row["amount"]) for row in told
    ]
    assert [(feed.id, feed.decimals) for feed in expected] == [(feed.id, feed.decimals) for feed in order]


def test_offered_value_is_in_the_pool_of_the_reward_epoch(deploy: Callable[..., FlareNetwork]) -> None:
    """The reward manager holds all of it and knows which part is inflation."""
    network = deploy(community_offers=[CommunityOffer(feeds_named("BTC/USD")[0], 7 * ETHER)])

    assert (1_007 * ETHER, 1_000 * ETHER, 0, 0, 0) == read(network, "RewardManager", "getRewardEpochTotals", 1)
    assert (1_007 * ETHER, 1_000 * ETHER, 0, 0) == read(network, "RewardManager", "getTotals")


def offer(feed: Feed, amount_wei: int, *, turnout: int = 5_000, share: int = 400_000) -> tuple[object, ...]:
    return (amount_wei, feed.id, turnout, share, feed.secondary_band_ppm, NO_ADDRESS)


def test_an_offer_must_be_paid_and_sound(network: FlareNetwork, ledger: Ledger) -> None:
    """For the next reward epoch only, with its exact value, of at least the minimum, with shares that are shares."""
    btc, offers = feeds_named("BTC/USD")[0], network.contracts["FtsoRewardOffersManager"]
    sender = network.voters[0].identity

    def attempt(reward_epoch: int, row: tuple[object, ...], value_wei: int) -> str:
        return ledger.attempt(
            "FtsoRewardOffersManager", offers.data("offerRewards", reward_epoch, [row]), sender, value_wei=value_wei
        )

    assert "accepted" == attempt(2, offer(btc, ETHER), ETHER)
    assert "NotNextRewardEpoch(1)" == attempt(1, offer(btc, ETHER), ETHER)
    assert "NotNextRewardEpoch(3)" == attempt(3, offer(btc, ETHER), ETHER)
    assert f"AmountsDiffer({ETHER}, {2 * ETHER})" == attempt(2, offer(btc, ETHER), 2 * ETHER)
    assert f"OfferTooSmall({10**15 - 1}, {10**15})" == attempt(2, offer(btc, 10**15 - 1), 10**15 - 1)
    assert attempt(2, offer(btc, ETHER, turnout=10_001), ETHER).startswith("InvalidOffer(")
    assert attempt(2, offer(btc, ETHER, share=1_000_001), ETHER).startswith("InvalidOffer(")


def test_an_offer_can_be_claimed_back_by_who_made_it(network: FlareNetwork, ledger: Ledger) -> None:
    """Without an address of their own choice it is the sender's."""
    btc, sender = feeds_named("BTC/USD")[0], network.voters[0].identity
    ledger.call(sender, "FtsoRewardOffersManager", "offerRewards", 2, [offer(btc, ETHER)], value_wei=ETHER)

    told = events(network, "FtsoRewardOffersManager", "RewardsOffered")[0]
    assert sender.address.lower() == told["claimBackAddress"]


def test_only_the_owner_offers_inflation_and_states_decimals(network: FlareNetwork, ledger: Ledger) -> None:
    """A voter can do neither, and lists of different lengths are refused."""
    btc, voter = feeds_named("BTC/USD")[0], network.voters[0].identity
    decimals, offers = network.contracts["FtsoFeedDecimals"], network.contracts["FtsoRewardOffersManager"]
    good = (btc.id, 5_000, 400_000, bytes(3), 0)

    assert ledger.attempt("FtsoRewardOffersManager", offers.data("offerInflationRewards", 2, good), voter).startswith(
        "OwnableUnauthorizedAccount("
    )
    assert ledger.attempt("FtsoFeedDecimals", decimals.data("setDecimals", btc.id, b"\x02"), voter).startswith(
        "OwnableUnauthorizedAccount("
    )
    assert "LengthsDiffer()" == ledger.attempt("FtsoFeedDecimals", decimals.data("setDecimals", btc.id, b"\x02\x03"))
    for bad in ((btc.id[1:], 5_000, 0, bytes(3), 0), (btc.id, 5_000, 0, bytes(2), 0), (b"", 5_000, 0, b"", 0)):
        assert "InvalidConfiguration()" == ledger.attempt(
            "FtsoRewardOffersManager", offers.data("offerInflationRewards", 2, bad)
        )


def test_decimals_change_with_the_next_reward_epoch(network: FlareNetwork, ledger: Ledger) -> None:
    """The present epoch keeps its decimals; negative ones are possible; unknown feeds have the default."""
    btc, unknown = feeds_named("BTC/USD")[0].id, b"\x01" + b"NEW/USD".ljust(20, b"\0")
    ledger.call(network.governance, "FtsoFeedDecimals", "setDecimals", btc, b"\x04")
    ledger.call(network.governance, "FtsoFeedDecimals", "setDecimals", btc, b"\xfd")

    assert 2 == read(network, "FtsoFeedDecimals", "getCurrentDecimals", btc)
    assert -3 == read(network, "FtsoFeedDecimals", "getDecimals", btc, 2)
    assert b"\xfd\x05" == read(network, "FtsoFeedDecimals", "getDecimalsBulk", btc + unknown, 2)
    assert b"\x02\x05" == read(network, "FtsoFeedDecimals", "getCurrentDecimalsBulk", btc + unknown)
