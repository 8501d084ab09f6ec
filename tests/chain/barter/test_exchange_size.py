"""How large an exchange may be: the largest one is enacted by one transaction of Ethereum, whatever its owners list."""

import sys
from collections.abc import Callable

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.exchange import ENACTABLE_MAX
from functions.barter.core.journal import direct_seal, journal_of
from functions.barter.core.words import PER_WORD, pack_lists
from infra.local.barter.world import BarterWorld, Phase, Terms
from kernel.abi import uint_word
from kernel.hashes import keccak256

pytestmark = pytest.mark.chain

#: What one transaction may use (EIP-7825).
GAS_MAX = 1 << 24
#: Where Exchange.sol keeps what a market in Trade consists of.
PHASE, TRADE_BLOCK, OWNERS, TOKENS, LEFT, LISTS = 0, 2, 3, 4, 5, 7


def dear_lists(agents: int) -> list[list[int]]:
    """Two swap, and want first what those before them have: every token moves, and every place of a list is read."""
    own_pair = [agent - agent % 2 for agent in range(agents)]
    return [[*range(max(0, pair - PER_WORD + 1), pair), agent ^ 1] for agent, pair in enumerate(own_pair)]


def storage(lists: list[list[int]]) -> dict[str, str]:
    """The storage of an exchange in Trade, each of whose tokens is of a collection and an owner of its own."""
    first = int.from_bytes(keccak256(uint_word(TOKENS)), "big")
    kept = {PHASE: int(Phase.TRADE), TRADE_BLOCK: 1, TOKENS: len(lists), LEFT: len(lists)}
    for agent, packed in enumerate(pack_lists(lists)):
        collection = keccak256(uint_word(agent))[:20]
        owner_place = keccak256(keccak256(collection + uint_word(agent)) + uint_word(OWNERS))
        kept |= {first + 2 * agent: int.from_bytes(collection, "big"), first + 2 * agent + 1: agent}
        kept |= {int.from_bytes(owner_place, "big"): (1 << 159) + agent, LISTS + agent: packed}
    return {f"0x{place:064x}": f"0x{value:064x}" for place, value in kept.items()}


def test_the_largest_market_is_enacted_by_one_transaction(
    open_market: Callable[..., BarterWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the longest lists, all of them read to their ends, and every token in other hands."""
    market, lists = open_market(0, Terms(agents_max=ENACTABLE_MAX, list_max=PER_WORD)), dear_lists(ENACTABLE_MAX)
    certificate = certify(lists, PER_WORD)
    journal, seal = journal_of(check(lists, certificate, PER_WORD)), direct_seal(certificate)
    data = "0x" + market.exchange.data("reallocateTokens", journal, seal).hex()
    call = {"from": market.operator.address, "to": market.exchange.address, "data": data}
    used = int(
        market.node.rpc("eth_estimateGas", call, "latest", {call["to"]: {"stateDiff": storage(lists)}}),
        16,
    )

    with capsys.disabled():
        sys.stdout.write(f"\nbarter: gas of {ENACTABLE_MAX} moves of a certificate, lists of {PER_WORD}: {used:,}\n")
    assert used <= GAS_MAX
