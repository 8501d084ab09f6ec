"""Whom the answers of watched contracts cost their trust: no honest endpoint, whatever a stranger's contract says.

Nodes of different kinds give a call different surroundings at one block: geth has a base fee of nothing where no price
is named, others that of the block.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from functions.barter.adapters.exchanges import NotAnExchange
from infra.local.anvil import AnvilNode
from kernel.evm.rpc import Standing
from kernel.jsonrpc.quorum import NoQuorum
from tests.chain.evm.liar import Instead, Liar
from tests.handlers.barter.open_shop import OpenShop, moving_node, open_shop
from tests.handlers.barter.shop import Shop

pytestmark = pytest.mark.chain

__all__ = ["moving_node", "open_shop"]

LOOK = "barter.advance_phase"
STRANGE = "0x" + "5b" * 20
#: Answers with the base fee; reverts where that is nothing.
TELLS_THE_BASE_FEE, REFUSES_WITHOUT_ONE = "0x485f5260205ff3", "0x48600757" + "5f5ffd" + "5b485f5260205ff3"
NOTHING = "0x" + "00" * 32
REVERTED = Instead({"error": {"code": 3, "message": "execution reverted", "data": "0x"}})

StartOther = Callable[[Any], Liar]


@pytest.fixture
def start_other(moving_node: AnvilNode) -> Iterator[StartOther]:
    """Start an honest endpoint of another kind of node, for which the stranger's contract answers this."""
    with ExitStack() as stack:

        def start(answer: Any) -> Liar:
            other = Liar(moving_node.url, eth_call=lambda asked, said: answer if asked[0]["to"] == STRANGE else said)
            stack.callback(other.close)
            return other

        yield start


def shop_over(open_shop: OpenShop, node: AnvilNode, code: str, *others: str) -> Shop:
    """A deployment over the node and other endpoints, and a stranger's contract."""
    node.rpc("anvil_setCode", STRANGE, code)
    node.mine()
    return open_shop(2, rpc_urls="plain:" + " ".join([*others, node.url]))


@pytest.mark.parametrize(
    ("code", "answer"), [(TELLS_THE_BASE_FEE, NOTHING), (REFUSES_WITHOUT_ONE, REVERTED)], ids=["tells", "reverts"]
)
def test_a_contract_that_answers_by_the_base_fee_discredits_no_honest_endpoint(
    open_shop: OpenShop, moving_node: AnvilNode, start_other: StartOther, code: str, answer: Any
) -> None:
    """Two of three agree; the third is believed as before."""
    other = start_other(answer)
    twin = moving_node.url.replace("127.0.0.1", "localhost")
    shop = shop_over(open_shop, moving_node, code, other.url, twin)

    with pytest.raises(NotAnExchange):
        shop.deps.exchanges.look(STRANGE)
    assert {Standing.ACTIVE} == {standing for _, standing in shop.deps.pool.standings()}


def test_a_contract_that_two_kinds_of_nodes_hear_differently_is_no_exchange(
    open_shop: OpenShop, moving_node: AnvilNode, start_other: StartOther
) -> None:
    """They agree on its block and its code: nothing is tried again and again for a stranger's riddle."""
    other = start_other(NOTHING)
    shop = shop_over(open_shop, moving_node, TELLS_THE_BASE_FEE, other.url)

    with pytest.raises(NotAnExchange):
        shop.deps.exchanges.look(STRANGE)


def test_a_contract_that_fails_without_a_revert_is_no_exchange(open_shop: OpenShop, moving_node: AnvilNode) -> None:
    """Whom every node refuses to answer for, in words of its own, would be asked for ever as if they were away."""
    shop = shop_over(open_shop, moving_node, "0xfe", moving_node.url.replace("127.0.0.1", "localhost"))

    with pytest.raises(NotAnExchange):
        shop.deps.exchanges.look(STRANGE)


def test_who_contradicts_about_an_exchange_of_ours_is_waited_for(open_shop: OpenShop, moving_node: AnvilNode) -> None:
    """Our code answers by nothing that nodes differ in: of two, one lies, and nobody knows which."""
    liar = Liar(moving_node.url, eth_call=lambda _, said: NOTHING)
    shop = shop_over(open_shop, moving_node, TELLS_THE_BASE_FEE, liar.url)
    try:
        with pytest.raises(NoQuorum):
            shop.deps.exchanges.look(shop.world.exchange.address)
    finally:
        liar.close()


def test_an_exchange_that_nobody_can_read_alike_costs_no_ever_more_tasks(
    open_shop: OpenShop, moving_node: AnvilNode
) -> None:
    """A stranger's verifier can make ours so: a missed look is asked for anew, and the one before asks no more."""
    liar = Liar(moving_node.url)
    shop = shop_over(open_shop, moving_node, TELLS_THE_BASE_FEE, liar.url)
    try:
        shop.watch(by_operator=False)
        shop.work(LOOK)
        liar.lies["eth_call"] = lambda _, said: NOTHING
        for _ in range(5):
            shop.clock.advance(400)
            shop.minute()
            shop.work(LOOK)
        states = [state for state, _ in shop.outcomes(LOOK)]
    finally:
        liar.close()

    assert 6 <= len(states)
    assert 1 == states.count("ready")
