"""A consumer believes a feed's value exactly when it belongs to the finalised tree of its round."""

from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from infra.local.flare.feeds import mainnet_feeds
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import ProvenFeed, events, read, signing_policy, verify_feed
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

NOT_PROVEN = "merkle proof invalid"
BITS = {"voting_round": 32, "feed_id": 168, "value": 32, "turnout_bips": 16, "decimals": 8}
ROUND, OLDER = 243, 242


def results(voting_round: int) -> list[ProvenFeed]:
    """A result for every feed, with the extremes of each field, and the proofs of their tree."""
    values = [1, 6_512_345, 2**31 - 1, -(2**31), 0, -1]
    turnouts = [10_000, 0, 65_535, 9_999]
    bare = [
        ProvenFeed(
            voting_round=voting_round,
            feed_id=feed.id,
            value=values[number % len(values)],
            turnout_bips=turnouts[number % len(turnouts)],
            decimals=feed.decimals if number % 7 else -128 + number,
            proof=(),
        )
        for number, feed in enumerate(mainnet_feeds())
    ]
    nodes = nodes_of(voting_round, bare)
    return [replace(feed, proof=wire.proof(nodes, wire.feed_leaf(feed))) for feed in bare]


def nodes_of(voting_round: int, feeds: list[ProvenFeed]) -> list[bytes]:
    """The tree of a round: a leaf per feed, and the leaf of its random number."""
    return wire.tree([*(wire.feed_leaf(feed) for feed in feeds), wire.random_leaf(voting_round, 2**256 - 1, True)])


def finalise(ledger: Ledger, voting_round: int) -> list[ProvenFeed]:
    """The results of a round whose root is final."""
    network, feeds = ledger.network, results(voting_round)
    signed = wire.message(voting_round, nodes_of(voting_round, feeds)[0])
    signers = [(position, network.voters[position].signing_policy) for position in range(3)]
    call = wire.relay_call(signing_policy(network, 1), signed, wire.signatures(signed, signers))
    ledger.send(network.governance, "Relay", call)
    return feeds


@pytest.fixture
def feeds(ledger: Ledger) -> list[ProvenFeed]:
    """The results of a final round."""
    return finalise(ledger, ROUND)


def call_data(network: FlareNetwork, feed: ProvenFeed) -> bytes:
    body = (feed.voting_round, feed.feed_id, feed.value, feed.turnout_bips, feed.decimals)
    return network.contracts["FtsoV2"].data("verifyFeedData", (list(feed.proof), body))


def test_every_feed_of_a_final_round_is_proven(network: FlareNetwork, feeds: list[ProvenFeed]) -> None:
    """Negative values, the extremes of each field and feeds without votes included."""
    assert 63 == len(feeds)
    assert all(verify_feed(network, feed) for feed in feeds)


def test_no_bit_of_a_feed_or_its_proof_may_change(
    network: FlareNetwork, ledger: Ledger, feeds: list[ProvenFeed]
) -> None:
    """Each bit of each field and of each node of the proof, flipped, is refused as not proven."""
    feed = feeds[1]
    changed = [*flipped_fields(feed), *flipped_proofs(feed)]

    outcomes = ledger.attempts("FtsoV2", [call_data(network, other) for other in changed])

    assert sum(BITS.values()) + 256 * len(feed.proof) == len(changed)
    assert {NOT_PROVEN} == set(outcomes)


def flipped_fields(feed: ProvenFeed) -> Iterator[ProvenFeed]:
    """The feed with one bit of one field the other way round."""
    signed = {"value", "decimals"}
    for name, bits in BITS.items():
        old = getattr(feed, name)
        for bit in range(bits):
            if name == "feed_id":
                yield replace(feed, feed_id=(int.from_bytes(old, "big") ^ 1 << bit).to_bytes(21, "big"))
                continue
            flipped = (old % 2**bits) ^ 1 << bit
            wrapped = flipped - 2**bits if name in signed and flipped >= 2 ** (bits - 1) else flipped
            yield replace(feed, **{name: wrapped})


def flipped_proofs(feed: ProvenFeed) -> Iterator[ProvenFeed]:
    """The feed with one bit of one node of its proof the other way round."""
    for at, node in enumerate(feed.proof):
        for bit in range(256):
            other = (int.from_bytes(node, "big") ^ 1 << bit).to_bytes(32, "big")
            yield replace(feed, proof=(*feed.proof[:at], other, *feed.proof[at + 1 :]))


def test_a_proof_of_another_length_is_refused(network: FlareNetwork, ledger: Ledger, feeds: list[ProvenFeed]) -> None:
    """Too short, too long, reversed, of another feed, or none at all."""
    feed, path = feeds[5], feeds[5].proof
    others = [path[:-1], path[1:], (*path, path[-1]), path[::-1], feeds[6].proof, ()]

    outcomes = ledger.attempts("FtsoV2", [call_data(network, replace(feed, proof=other)) for other in others])

    assert [NOT_PROVEN] * len(others) == outcomes


def test_a_round_that_is_not_final_proves_nothing(network: FlareNetwork, feeds: list[ProvenFeed]) -> None:
    """A tree that was never relayed is no proof, whatever its own root says."""
    assert not verify_feed(network, results(ROUND + 1)[0])
    assert not verify_feed(network, replace(feeds[0], voting_round=ROUND + 1))


def test_published_feeds_are_served_newest_first(
    network: FlareNetwork, ledger: Ledger, feeds: list[ProvenFeed]
) -> None:
    """Publishing stores a proven value and its round's history; an older round fills history only."""
    older = finalise(ledger, OLDER)[1]
    newer = feeds[1]
    publish(ledger, newer)
    publish(ledger, older)
    publish(ledger, older)

    end_s = network.round_start_s(ROUND + 1)
    assert as_struct(newer) == read(network, "FtsoFeedPublisher", "getCurrentFeed", newer.feed_id)
    assert as_struct(older) == read(network, "FtsoFeedPublisher", "getFeed", older.feed_id, OLDER)
    assert [ROUND, OLDER] == [row["votingRoundId"] for row in events(network, "FtsoFeedPublisher", "FtsoFeedPublished")]
    assert (newer.value, newer.decimals, end_s) == read(network, "FtsoV2", "getFeedById", newer.feed_id)
    assert (newer.value * 10 ** (18 - newer.decimals), end_s) == (
        read(network, "FtsoV2", "getFeedByIdInWei", newer.feed_id)
    )
    assert ((newer.value,), (newer.decimals,), end_s) == read(network, "FtsoV2", "getFeedsById", [newer.feed_id])


def test_an_unproven_feed_is_not_published(network: FlareNetwork, ledger: Ledger, feeds: list[ProvenFeed]) -> None:
    """One wrong value among several refuses the whole call; a feed never published is not served."""
    wrong = replace(feeds[1], value=feeds[1].value + 1)
    data = publication(network, feeds[0], wrong)
    missing = network.contracts["FtsoFeedPublisher"].data("getCurrentFeed", feeds[0].feed_id)

    assert NOT_PROVEN == ledger.attempt("FtsoFeedPublisher", data)
    assert ledger.attempt("FtsoFeedPublisher", missing).startswith("FeedNotPublished(")


def test_a_feed_without_votes_has_no_price(network: FlareNetwork, ledger: Ledger, feeds: list[ProvenFeed]) -> None:
    """Its leaf says zero, which is proven, but no consumer gets zero for a price."""
    feed = feeds[4]
    publish(ledger, feed)

    assert 0 == feed.value
    assert ledger.attempt("FtsoV2", network.contracts["FtsoV2"].data("getFeedById", feed.feed_id)).startswith(
        "FeedHasNoValue("
    )


def publication(network: FlareNetwork, *feeds: ProvenFeed) -> bytes:
    """The call that publishes feeds."""
    return network.contracts["FtsoFeedPublisher"].data(
        "publish", [(list(feed.proof), as_struct(feed)) for feed in feeds]
    )


def publish(ledger: Ledger, *feeds: ProvenFeed) -> None:
    ledger.send(ledger.network.governance, "FtsoFeedPublisher", publication(ledger.network, *feeds))


def as_struct(feed: ProvenFeed) -> tuple[object, ...]:
    """The fields of the published struct."""
    return tuple(getattr(feed, field.name) for field in fields(feed) if field.name != "proof")
