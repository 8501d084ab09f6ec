"""The protocol's clock."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_flare_common.fsp.epoch.timing import coston, coston2, flare, songbird

from functions.oracle.core.epochs import COSTON, COSTON2, FLARE, LOCAL, NETWORKS, SONGBIRD, Network, departures
from tests.unit.oracle.facts import protocol

pytestmark = pytest.mark.unit

PEERS = [(FLARE, flare), (SONGBIRD, songbird), (COSTON2, coston2), (COSTON, coston)]
FACTS = protocol()["epochs_flare"]


def test_flare_epoch_3361_begins_ends_and_closes_reveals_when_published() -> None:
    """The published example, to the second."""
    epoch = FLARE.voting_epoch(3361)

    assert FACTS["voting_epoch_3361_start"] == epoch.start_s
    assert FACTS["end"] == epoch.end_s
    assert FACTS["reveal_deadline"] == epoch.reveal_deadline_s
    assert FACTS["reward_epoch"] == FLARE.expected_reward_epoch(3361)


@pytest.mark.parametrize(("network", "peer"), PEERS, ids=lambda value: getattr(value, "name", ""))
@given(number=st.integers(0, 2**32 - 1))
def test_every_epoch_agrees_with_flares_own_python(network: Network, peer: object, number: int) -> None:
    """Start, deadline and expected reward epoch on each public network."""
    epoch, theirs = network.voting_epoch(number), peer.voting_epoch(number)  # type: ignore[attr-defined]  # both packages name it so

    assert theirs.start_s == epoch.start_s
    assert theirs.end_s == epoch.end_s
    assert theirs.reveal_deadline() == epoch.reveal_deadline_s
    assert theirs.to_reward_epoch().id == network.expected_reward_epoch(number)


@given(number=st.integers(-1_000, 2**32), second=st.integers(0, 89))
def test_every_second_of_an_epoch_belongs_to_it_and_to_no_other(number: int, second: int) -> None:
    """Epochs are half-open and leave no gap, before the first one too."""
    epoch = FLARE.voting_epoch(number)
    time_s = epoch.start_s + second

    assert epoch == FLARE.voting_epoch_at(time_s)
    assert time_s in epoch
    assert time_s not in epoch.next
    assert time_s not in epoch.previous


def test_the_end_of_an_epoch_is_the_start_of_the_next() -> None:
    """The last second belongs to the next epoch already."""
    epoch = FLARE.voting_epoch(812_576)

    assert epoch.next == FLARE.voting_epoch_at(epoch.end_s)
    assert epoch.end_s not in epoch
    assert epoch.start_s in epoch


def test_a_moment_is_an_aware_datetime_as_well() -> None:
    """What the clock gives is what the chain says."""
    epoch = FLARE.voting_epoch(812_576)

    assert epoch == FLARE.voting_epoch_at(epoch.start)
    assert epoch.start == datetime.fromtimestamp(epoch.start_s, UTC)


def test_a_commit_is_accepted_in_its_epoch_only() -> None:
    """First second yes, first second of the next epoch no."""
    epoch = FLARE.voting_epoch(5)

    assert epoch.accepts_commit(epoch.start_s)
    assert epoch.accepts_commit(epoch.end_s - 1)
    assert not epoch.accepts_commit(epoch.end_s)
    assert not epoch.accepts_commit(epoch.start_s - 1)


def test_a_reveal_is_accepted_strictly_before_45_seconds_into_the_next_epoch() -> None:
    """44 s is in time, 45 s is late, and its own epoch is too early."""
    epoch = FLARE.voting_epoch(5)

    assert epoch.accepts_reveal(epoch.end_s)
    assert epoch.accepts_reveal(epoch.end_s + 44)
    assert not epoch.accepts_reveal(epoch.end_s + 45)
    assert not epoch.accepts_reveal(epoch.end_s - 1)


def test_rounds_between_two_moments_are_those_that_overlap() -> None:
    """The one that is running counts, the one that begins at the end does not."""
    epoch = FLARE.voting_epoch(100)

    rounds = FLARE.rounds_between(epoch.start_s + 30, epoch.start_s + 180)

    assert [100, 101] == [found.number for found in rounds]
    assert [100, 101, 102] == [
        found.number
        for found in FLARE.rounds_between(epoch.start, FLARE.voting_epoch_at(epoch.start_s + 181).next.start)
    ]


def test_a_reward_epoch_is_expected_at_its_first_voting_epoch() -> None:
    """240 epochs on a test network, with its own beginning."""
    network = replace(COSTON2, first_reward_epoch_start_voting_epoch=10)

    assert 0 == network.expected_reward_epoch(249)
    assert 1 == network.expected_reward_epoch(250)
    assert 250 == network.expected_first_voting_epoch(1)


def test_networks_are_known_by_name_with_their_chain() -> None:
    """Configuration names a network; the chain id guards against a wrong endpoint."""
    assert {
        "flare": 14,
        "songbird": 19,
        "coston2": 114,
        "coston": 16,
        "local": 31_337,
    } == {name: network.chain_id for name, network in NETWORKS.items()}
    assert (8, 4) == (LOCAL.voting_epoch_length_s, LOCAL.reveal_deadline_s)


@pytest.mark.parametrize("network", [FLARE, SONGBIRD, COSTON2, COSTON], ids=lambda network: network.name)
def test_a_published_network_keeps_its_hours(network: Network) -> None:
    """Chain id, first epoch and lengths are compared, whichever of name and chain id is known."""
    moved = replace(network, first_voting_epoch_start_s=network.first_voting_epoch_start_s + 1)

    assert {} == departures(network) == departures(replace(network, first_reward_epoch_start_voting_epoch=7))
    assert {"first_voting_epoch_start_s"} == departures(moved).keys()
    assert {"chain_id"} == departures(replace(network, chain_id=99)).keys()
    assert {"name"} == departures(replace(network, name="mine")).keys()
    assert {"reward_epoch_length_voting_epochs"} == departures(
        replace(network, reward_epoch_length_voting_epochs=7)
    ).keys()


def test_a_network_of_ones_own_may_be_anything() -> None:
    """But not by a published network's name or on its chain."""
    own = replace(LOCAL, name="mine", chain_id=4_242, first_voting_epoch_start_s=5)

    assert {} == departures(own) == departures(replace(LOCAL, first_voting_epoch_start_s=5, chain_id=77))
    assert "name" in departures(replace(LOCAL, chain_id=14))
    assert "chain_id" in departures(replace(own, name="songbird"))
