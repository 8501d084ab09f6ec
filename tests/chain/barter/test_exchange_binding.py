"""What a proof is bound to: the public inputs that the exchange draws are those that a prover computes.

The verifier here proves nothing. It holds if the seal recites the inputs that the exchange hands it.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import FIELD, Market, SealKind, bound_words, challenge, evaluation, journal_of
from functions.barter.core.words import pack_lists, to_bytes
from infra.local.anvil import AnvilNode
from infra.local.barter.world import BarterWorld, Phase, Terms, deploy
from infra.local.flare.transactions import TransactionReverted
from tests.unit.barter.crowds import full_lists
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

CIRCUIT_AGENTS, LIST_MAX = 24, 16
COMMITMENT = 20_261_121


@pytest.fixture
def market(barter_node: AnvilNode, open_market: Callable[..., BarterWorld]) -> BarterWorld:
    """The published market, in Trade, before a verifier of proofs."""
    verifier = deploy(barter_node, "RecitingVerifier")
    world = open_market(len(LISTS), Terms(agents_max=CIRCUIT_AGENTS, list_max=LIST_MAX, verifier=verifier.address))
    world.ready(LISTS)
    return world


def told(market: BarterWorld, agents: int = len(LISTS)) -> Market:
    """What a prover reads of the market."""
    return Market(
        chain_id=market.node.chain_id,
        address=bytes.fromhex(market.exchange.address.removeprefix("0x")),
        trade_block=market.ask("tradeInitiatedAtBlock")[0],
        agents=agents,
        list_max=LIST_MAX,
    )


def seal(of: Market, lists: list[list[int]], allocation: list[int], commitment: int = COMMITMENT) -> bytes:
    """A seal that recites the inputs of a market."""
    words = bound_words(pack_lists(lists), allocation, CIRCUIT_AGENTS)
    r = challenge(of, commitment, words)
    return bytes([SealKind.GROTH16]) + to_bytes([commitment, r, *[0] * 4, evaluation(words, r), 0, commitment])


def refused(market: BarterWorld, allocation: list[int], with_seal: bytes) -> str:
    """Why the exchange does not take it."""
    with pytest.raises(TransactionReverted) as raised:
        market.reallocate(journal_of(allocation), with_seal)
    return raised.value.reason


def test_the_exchange_draws_what_a_prover_computes(market: BarterWorld) -> None:
    """From chain, address, block, sizes, commitment, its own lists, and the allocation that is enacted."""
    market.reallocate(journal_of(ALLOCATION), seal(told(market), LISTS, ALLOCATION))

    assert market.phase == Phase.WITHDRAW


@pytest.mark.parametrize("agents", [21, 22, CIRCUIT_AGENTS])
def test_as_many_agents_as_fill_a_word_or_the_circuit(
    agents: int, barter_node: AnvilNode, open_market: Callable[..., BarterWorld]
) -> None:
    """The words of the allocation are the journal's own, and those beyond ours keep their own item."""
    verifier = deploy(barter_node, "RecitingVerifier")
    market = open_market(agents, Terms(agents_max=CIRCUIT_AGENTS, list_max=LIST_MAX, verifier=verifier.address))
    lists = full_lists(agents, LIST_MAX, seed=agents)
    market.ready(lists)
    allocation = top_trading_cycles(lists)

    market.reallocate(journal_of(allocation), seal(told(market, agents), lists, allocation))

    assert market.phase == Phase.WITHDRAW


def test_a_verifier_that_became_smaller_than_the_market_is_refused(market: BarterWorld) -> None:
    """It says for how many agents it is, and might say otherwise later; a deployer chooses it."""
    verifier = market.ask("verifier")[0]
    five_to_whatever_is_asked = "0x60055f5260205ff3"
    market.node.rpc("anvil_setCode", verifier, five_to_whatever_is_asked)

    assert refused(market, ALLOCATION, seal(told(market), LISTS, ALLOCATION)) == "More agents than the circuit takes"


def test_a_proof_of_anything_else_is_refused(market: BarterWorld) -> None:
    """Of another market, chain, block or size, of other lists, and of another allocation than the one posted."""
    of = told(market)
    others = [
        replace(of, chain_id=of.chain_id + 1),
        replace(of, address=bytes(20)),
        replace(of, trade_block=of.trade_block + 1),
        replace(of, agents=of.agents + 1),
        replace(of, list_max=of.list_max - 1),
    ]
    keeping = list(range(len(LISTS)))

    assert {refused(market, ALLOCATION, seal(other, LISTS, ALLOCATION)) for other in others} == {"Proof does not hold"}
    assert refused(market, ALLOCATION, seal(of, [[], *LISTS[1:]], ALLOCATION)) == "Proof does not hold"
    assert refused(market, keeping, seal(of, LISTS, ALLOCATION)) == "Proof does not hold"


def test_a_commitment_outside_the_field_is_refused(market: BarterWorld) -> None:
    """It would be another name of one inside."""
    outside = seal(told(market), LISTS, ALLOCATION, COMMITMENT + FIELD)

    assert refused(market, ALLOCATION, outside) == "Commitment outside the field"


def test_a_market_is_not_deployed_before_a_verifier_that_is_too_small(
    barter_node: AnvilNode, open_market: Callable[..., BarterWorld]
) -> None:
    """A circuit for fewer agents, or for other lists."""
    verifier = deploy(barter_node, "RecitingVerifier").address

    with pytest.raises(TransactionReverted, match="More agents than the circuit takes"):
        open_market(0, Terms(agents_max=CIRCUIT_AGENTS + 1, list_max=LIST_MAX, verifier=verifier))
    with pytest.raises(TransactionReverted, match="Other lists than the circuit's"):
        open_market(0, Terms(agents_max=CIRCUIT_AGENTS, list_max=LIST_MAX + 1, verifier=verifier))
