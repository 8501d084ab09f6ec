"""Submission takes any calldata from anyone at any time; the chain remembers who, what and when."""

import pytest
from eth_utils.crypto import keccak

from infra.local.flare.network import FlareNetwork
from infra.local.flare.node import Node
from infra.local.flare.reading import read
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

COMMIT = bytes.fromhex("6c532fae64000c6620002005a93355a28127ff0ca2d8136648c1fd682e0041f8367ba4567586b3d4149d54")
SELECTORS = {"submit1": "6c532fae", "submit2": "9d00c9fd", "submit3": "e1b157e7", "submitSignatures": "57eed580"}
TRUE, FALSE = (1).to_bytes(32, "big"), bytes(32)


def selector(function: str) -> bytes:
    return bytes.fromhex(SELECTORS[function])


@pytest.mark.parametrize("function", SELECTORS)
def test_the_methods_have_the_published_selectors(network: FlareNetwork, function: str) -> None:
    """Four bytes name the method; whatever follows is the submission itself."""
    assert selector(function) == network.contracts["Submission"].data(function)
    assert selector(function) == keccak(text=f"{function}()")[:4]


def test_a_submission_is_kept_as_it_was_sent_with_the_time_of_its_block(network: FlareNetwork, ledger: Ledger) -> None:
    """Real calldata of a live round is in the block, under its sender, and the block's time tells its window."""
    voting_round = network.round_at(ledger.now_s()) + 2
    last_second = network.round_start_s(voting_round + 1) - 1
    sender = network.voters[0].submit

    ledger.move_to(last_second)
    receipt = ledger.send(sender, "Submission", COMMIT)
    ledger.move_to(last_second + 1)
    reveal = ledger.send(sender, "Submission", selector("submit2") + b"\x01" * 60)

    with Node(network.rpc_url) as node:
        block = node.call("eth_getBlockByNumber", receipt["blockNumber"], True)
    assert "0x" + COMMIT.hex() == block["transactions"][0]["input"]
    assert sender.address.lower() == block["transactions"][0]["from"]
    assert voting_round == network.round_at(int(block["timestamp"], 16))
    assert voting_round + 1 == network.round_at(ledger.block_time_s(reveal))
    assert [] == [log for log in receipt["logs"] if log["topics"][0] != started(network)]


def started(network: FlareNetwork) -> str:
    return "0x" + network.contracts["Submission"].topic("NewVotingRoundInitiated").hex()


@pytest.mark.parametrize("function", SELECTORS)
def test_the_first_call_of_a_round_is_free_for_its_voter(network: FlareNetwork, ledger: Ledger, function: str) -> None:
    """True once per method and round, for the addresses that are registered for it; false otherwise, never a revert."""
    voter = network.voters[0]
    entitled = voter.submit_signatures if function == "submitSignatures" else voter.submit
    other = voter.submit if function == "submitSignatures" else voter.submit_signatures
    data = selector(function) + b"\xff" * 9
    ledger.move_to(network.round_start_s(network.round_at(ledger.now_s()) + 2))

    assert TRUE == ledger.answer(entitled, "Submission", data)
    ledger.send(entitled, "Submission", data)
    assert FALSE == ledger.answer(entitled, "Submission", data)
    assert FALSE == ledger.answer(other, "Submission", data)
    assert FALSE == ledger.answer(network.governance, "Submission", data)

    ledger.move_to(ledger.now_s() + network.timing.voting_epoch_s)
    ledger.send(network.governance, "Submission", data)
    assert TRUE == ledger.answer(entitled, "Submission", data)


def test_the_methods_of_a_round_do_not_use_each_other_up(network: FlareNetwork, ledger: Ledger) -> None:
    """One address may commit, reveal and use the reserved method in the same round, each once for free."""
    sender = network.voters[1].submit
    for function in ("submit1", "submit2", "submit3"):
        assert TRUE == ledger.answer(sender, "Submission", selector(function))
        ledger.send(sender, "Submission", selector(function))
        assert FALSE == ledger.answer(sender, "Submission", selector(function))


def test_a_new_round_is_announced_by_its_first_submission(network: FlareNetwork, ledger: Ledger) -> None:
    """One event per round, whoever submits first."""
    ledger.move_to(network.round_start_s(network.round_at(ledger.now_s()) + 2))
    first = ledger.send(network.governance, "Submission", COMMIT)
    second = ledger.send(network.voters[0].submit, "Submission", COMMIT)

    assert [started(network)] == [log["topics"][0] for log in first["logs"]]
    assert [] == second["logs"]


def test_only_the_systems_manager_grants_free_calls(network: FlareNetwork, ledger: Ledger) -> None:
    """initNewVotingRound is refused for everybody else."""
    data = network.contracts["Submission"].data("initNewVotingRound", [], [], [], [])

    assert "OnlyFlareSystemsManager()" == ledger.attempt("Submission", data)


def test_the_clock_of_the_network_is_that_of_its_settings(network: FlareNetwork, ledger: Ledger) -> None:
    """Rounds, reward epochs and windows as a client computes them from the published views."""
    manager, t0 = "FlareSystemsManager", network.first_voting_round_start_s
    ledger.move_to(network.round_start_s(300) + 7)
    ledger.send(network.governance, "Submission", COMMIT)

    assert 300 == read(network, manager, "getCurrentVotingEpochId")
    assert 300 == read(network, "Relay", "getVotingRoundId", network.round_start_s(300) + 7)
    assert (t0, 8, 4) == tuple(
        read(network, manager, view)
        for view in ("firstVotingRoundStartTs", "votingEpochDurationSeconds", "revealDeadlineSeconds")
    )
    assert (t0, 240 * 8) == (
        read(network, manager, "firstRewardEpochStartTs"),
        read(network, manager, "rewardEpochDurationSeconds"),
    )
    assert (1, 240) == (
        read(network, manager, "getCurrentRewardEpoch"),
        read(network, manager, "getStartVotingRoundId", 1),
    )
