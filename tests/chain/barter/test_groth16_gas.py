"""What the check of a proof costs beside that of a certificate, by size, printed; BENCHMARKS.md has it as a table.

The verifier here is that of a circuit which can be proven in a moment: its key says nothing of how much a check costs,
and a proof that does not hold for its inputs costs as much as one that does.
"""

import sys
from collections.abc import Callable

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.journal import direct_seal, journal_of
from gpu.exchange.prove import Prover
from infra.local.anvil import AnvilNode
from infra.local.barter.verifier import deploy_verifier
from infra.local.barter.world import BarterWorld, Terms
from tests.unit.barter.crowds import full_lists
from tests.unit.barter.prover.worked import toy_assignment, toy_key

pytestmark = pytest.mark.chain

LIST_MAX = 16
#: Of which the read of its list is 2,100.
AGENT_GAS_MAX = 2_500


def used(market: BarterWorld, journal: bytes, seal: bytes) -> int:
    """What a transaction costs that checks and does nothing else, whether it reverts or not."""
    data = "0x" + market.exchange.data("verifyTrades", journal, seal).hex()
    call = {"from": market.node.rpc("eth_accounts")[0], "to": market.exchange.address, "data": data}
    hashed = market.node.rpc("eth_sendTransaction", call | {"gas": hex(5_000_000)})
    market.node.mine()
    return int(market.node.rpc("eth_getTransactionReceipt", hashed)["gasUsed"], 16)


def test_a_proof_costs_less_an_agent_than_a_certificate_and_more_before_the_first(
    barter_node: AnvilNode, open_market: Callable[..., BarterWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    """So from some number of agents on it is the cheaper one."""
    words = (*Prover(toy_key()).prove(toy_assignment()).words(), 0)
    proof = b"\1" + b"".join(word.to_bytes(32, "big") for word in words)
    by_proof, by_certificate = {}, {}
    for agents in (16, 64, 128):
        verifier = deploy_verifier(barter_node, toy_key().verification, agents=agents, list_max=LIST_MAX)
        market = open_market(agents, Terms(agents_max=agents, verifier=verifier.address))
        lists = full_lists(agents, LIST_MAX - 1, seed=agents)
        market.ready(lists)
        certificate = certify(lists, LIST_MAX)
        journal = journal_of(check(lists, certificate, LIST_MAX))
        by_proof[agents] = used(market, journal, proof)
        by_certificate[agents] = used(market, journal, direct_seal(certificate))
    an_agent, other = ((of[128] - of[16]) / 112 for of in (by_proof, by_certificate))
    even = round((by_proof[16] - by_certificate[16] + 16 * (other - an_agent)) / (other - an_agent))

    with capsys.disabled():
        rows = ", ".join(f"{agents}: {by_proof[agents]:,} and {by_certificate[agents]:,}" for agents in by_proof)
        sys.stdout.write(f"\nbarter: gas of the check by proof and by certificate at {rows}; even at {even} agents\n")
    assert an_agent < AGENT_GAS_MAX < other
