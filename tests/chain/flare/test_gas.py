"""The gas of a voting round is what infra/contracts/README.md says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import signing_policy
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

README = Path(__file__).parents[3] / "infra" / "contracts" / "README.md"
COMMIT = bytes.fromhex("6c532fae64" + "000003e8" + "0020") + b"\xa5" * 32
REVEAL = bytes.fromhex("9d00c9fd64" + "000003e8" + "011c") + b"\xa5" * (32 + 4 * 63)
SIGN = bytes.fromhex("57eed58064" + "000003e8" + "0042") + b"\x01" + b"\xa5" * 65
TOLERANCE = 0.02


def published() -> dict[str, int]:
    """The figures of the README's table of gas, by row."""
    return {
        name: int(gas.replace(" ", ""))
        for name, gas in re.findall(r"^\| ([^|]+?) \| ([\d ]+) \|$", README.read_text(), re.MULTILINE)
    }


def gas_of(receipt: dict[str, str]) -> int:
    return int(receipt["gasUsed"], 16)


def submissions(ledger: Ledger) -> dict[str, int]:
    """A voter's three transactions of a round, each in the second round that it sends one."""
    network, figures = ledger.network, {}
    rows = (
        ("submit1", COMMIT, "submit"),
        ("submit2", REVEAL, "submit"),
        ("submitSignatures", SIGN, "submit_signatures"),
    )
    for voting_round in (300, 301):
        for name, data, role in rows:
            # Somebody else has opened the round already.
            ledger.move_to(max(network.round_start_s(voting_round), ledger.now_s()))
            ledger.send(network.governance, "Submission", COMMIT)
            figures[name] = gas_of(ledger.send(getattr(network.voters[0], role), "Submission", data))
    return figures


def relay(ledger: Ledger, signers: int) -> int:
    """The second finalisation of a network, with that many signatures."""
    network = ledger.network
    for voting_round in (240, 241):
        signed = wire.message(voting_round, keccak(text="root"))
        chosen = [(position, network.voters[position].signing_policy) for position in range(signers)]
        call = wire.relay_call(signing_policy(network, 1), signed, wire.signatures(signed, chosen))
        used = gas_of(ledger.send(network.governance, "Relay", call))
    return used


def test_the_readme_tells_the_gas_of_a_round(deploy: Callable[..., FlareNetwork]) -> None:
    """Within two per cent, since calldata with more zeros costs less."""
    measured: dict[str, int] = {}
    with Ledger(deploy()) as ledger:
        measured |= submissions(ledger) | {"relay, 4 voters, 3 signatures": relay(ledger, 3)}
    with Ledger(deploy(vote_power_wei=[10**24] * 100, inflation_feeds=[], seed="a hundred")) as ledger:
        measured |= {"relay, 100 voters, 51 signatures": relay(ledger, 51)}

    expected = published()
    assert expected.keys() == measured.keys(), measured
    assert {} == {
        name: (gas, expected[name]) for name, gas in measured.items() if abs(gas - expected[name]) > TOLERANCE * gas
    }
