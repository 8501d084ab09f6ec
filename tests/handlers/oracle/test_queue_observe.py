"""queue_observe: a finished round as the chain shows it, stored, counted and told."""

from collections.abc import Callable

import pytest

from functions.oracle.queue_observe import handler
from infra.local.flare.accounts import dev_account
from tests.handlers.oracle.crowd import Crowd, Player
from tests.handlers.oracle.whole_round import Stocked, play_commits, play_reveals, play_signatures

pytestmark = pytest.mark.handlers

Crowded = Callable[..., Crowd]


def faults(crowd: Crowd, number: int) -> dict[str, set[str]]:
    """Who did what wrong in a round, as stored."""
    observed = crowd.ours.deps.observatory.performance.observed(number)
    found: dict[str, set[str]] = {}
    for row in observed.faults if observed else ():
        found.setdefault(row["submit_address"], set()).add(row["fault"])
    return found


def test_an_honest_round_has_no_fault_and_says_how_near_everybody_was(crowded: Crowded, stocked: Stocked) -> None:
    """All four finalised it: nothing is wrong, and every value is a hit. Whoever looks twice counts once."""
    crowd = crowded(4)
    number = crowd.honest_round(stocked)
    early = crowd.observe(number, epochs_later=2)

    task = crowd.observe(number)
    crowd.ours.deliver(handler, task.id)

    stored = crowd.ours.one("select * from oracle.observed_rounds")
    voters = crowd.ours.one("select count(*) as voters, sum(hits) as hits, sum(votes) as votes from oracle.voters")
    assert (early.state, task.state, faults(crowd, number)) == ("ready", "done", {})
    assert (stored["voting_round"], bytes(stored["message"])) == (number, crowd.message(number))
    assert stored["finalised_at"].timestamp() == crowd.stage.network.round_start_s(number + 1) + 6
    assert (stored["our_hits"], stored["our_possible"], len(stored["our_deviations_ppm"])) == (3, 3, 3)
    assert voters == {"voters": 4, "hits": 12, "votes": 12}


def test_without_a_finalisation_signatures_are_those_of_our_own_result(crowded: Crowded, stocked: Stocked) -> None:
    """Two voters, of whom one signs something else: nobody can finalise the round."""
    crowd = crowded(2)
    other = crowd.players[1]
    number = play_commits(crowd.stage, [crowd.ours], stocked)
    crowd.commit(other, number)
    play_reveals(crowd.stage, [crowd.ours], number)
    crowd.reveal(other, number)
    play_signatures(crowd.stage, [crowd.ours], number)
    crowd.sign(other, number, bytes(38))

    crowd.observe(number)

    stored = crowd.ours.one("select message, finalised_at, faulty_weight_bips from oracle.observed_rounds")
    assert (bytes(stored["message"]), stored["finalised_at"]) == (crowd.message(number), None)
    assert (faults(crowd, number), stored["faulty_weight_bips"]) == ({other.address: {"signature_wrong"}}, 5_000)


def test_a_round_in_which_nobody_revealed_owes_no_signature(crowded: Crowded, stocked: Stocked) -> None:
    """It has no result that could be signed."""
    crowd = crowded(1)
    number = play_commits(crowd.stage, [crowd.ours], stocked)

    crowd.observe(number)

    assert faults(crowd, number) == {crowd.players[0].address: {"reveal_missing"}}
    assert crowd.ours.one("select message, our_hits from oracle.observed_rounds") == {"message": None, "our_hits": 0}


def test_everybody_who_does_something_wrong_is_named(crowded: Crowded, stocked: Stocked) -> None:
    """One round, and one voter for each way to fail; enough of them sign, so that it is finalised."""
    crowd = crowded(14, low_balance_wei=1_000 * 10**18)
    _, silent, early, late, mute, hasty, tardy, liar, unsigned, forger, rash, slow, poor = crowd.players[:13]
    good = crowd.players[13:]
    stranger = Player(*(dev_account("stranger", role) for role in "abc"))
    crowd.stage.node.rpc("anvil_setBalance", stranger.submit.address, hex(10**20))
    number = crowd.stage.first_round
    crowd.stage.at(number - 1, 3)
    crowd.commit(early, number)
    assert number == play_commits(crowd.stage, [crowd.ours], stocked)
    for player in (mute, hasty, tardy, liar, unsigned, forger, rash, slow, poor, stranger, *good):
        crowd.commit(player, number)
    crowd.stage.at(number, 6)
    crowd.reveal(hasty, number)
    play_reveals(crowd.stage, [crowd.ours], number)
    crowd.commit(late, number)
    crowd.reveal(liar, number, (1, 2, 3))
    for player in (unsigned, forger, rash, slow, poor, stranger, *good):
        crowd.reveal(player, number)
    crowd.sign(rash, number, bytes(38))
    play_signatures(crowd.stage, [crowd.ours], number)
    crowd.reveal(tardy, number)
    message = crowd.message(number)
    for player in (silent, early, late, mute, hasty, tardy, liar, poor, *good):
        crowd.sign(player, number, message)
    crowd.sign(forger, number, bytes(38))
    crowd.finalise(number)
    crowd.stage.at(number + 2, 1)
    crowd.sign(slow, number, message)
    ours = crowd.ours.voter
    for payer in (poor.submit_signatures, ours.signing_policy):
        crowd.stage.node.rpc("anvil_setBalance", payer.address, hex(10**18))

    crowd.observe(number)

    told = faults(crowd, number)
    assert told == {
        silent.address: {"commit_missing"},
        early.address: {"commit_early"},
        late.address: {"commit_late"},
        mute.address: {"reveal_missing"},
        hasty.address: {"reveal_early"},
        tardy.address: {"reveal_late"},
        liar.address: {"reveal_mismatch"},
        unsigned.address: {"signature_missing"},
        forger.address: {"signature_wrong"},
        rash.address: {"signature_early"},
        slow.address: {"signature_late"},
        poor.address: {"low_balance"},
        ours.submit.address.lower(): {"low_balance"},
        stranger.address: {"not_registered"},
    }
