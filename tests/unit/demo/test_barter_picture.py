"""The picture of a market: every wish, every trade, and whose each token is then."""

from xml.etree import ElementTree

import pytest

from functions.barter.core.cycles import top_trading_cycles
from infra.local.demo.barter_market import random_lists
from infra.local.demo.barter_picture import MarketGraph, draw

pytestmark = pytest.mark.unit
SVG = "{http://www.w3.org/2000/svg}"
#: S3 keeps its own; S1 to S2 to S5; S4 and S6 swap.
LISTS = [[2, 1, 3], [2, 4, 5], [], [1, 4, 5], [0, 2, 1], [1, 3, 4]]


def drawn(lists: list[list[int]]) -> ElementTree.Element:
    """The picture of a market whose trades were enacted."""
    received, count = top_trading_cycles(lists), len(lists)
    after = [""] * count
    for agent, item in enumerate(received):
        after[item] = f"no. {agent}"
    graph = MarketGraph(
        lists=lists,
        received=received,
        names=[f"A{token}" for token in range(count)],
        before=[f"no. {agent}" for agent in range(count)],
        after=after,
        shown_by="shown by a test",
    )
    return ElementTree.fromstring(draw(graph))


def test_each_trade_is_an_arrow_and_each_other_wish_a_line() -> None:
    """Five tokens change owners in two cycles; of fifteen wishes, five come true."""
    picture = drawn(LISTS)
    wishes, trades = (group.findall(f"{SVG}path") for group in picture.findall(f"{SVG}g"))

    assert (sum(map(len, LISTS)) - 5, 5) == (len(wishes), len(trades))
    assert 5 == len(picture.findall(f".//{SVG}polygon"))
    assert 2 == len({trade.get("stroke") for trade in trades})


def test_every_token_is_named_with_its_owners_before_and_after() -> None:
    """Inside who brought it, outside whose it is."""
    words = [text.text for text in drawn(LISTS).iter(f"{SVG}text")]

    assert [f"A{token}" for token in range(6)] == words[:6]
    assert ["no. 0", "no. 4", "no. 1", "no. 0", "no. 2", "no. 2", "no. 3", "no. 5", "no. 4", "no. 1"] == [
        *words[6:12],
        *words[12:14],
        *words[14:16],
    ]
    assert "5 tokens change owners" in words


@pytest.mark.parametrize("agents", [1, 2, 40])
def test_random_markets_are_drawn_and_wish_for_others_only(agents: int) -> None:
    """Lists of up to eight, without one's own; the same seed is the same market."""
    lists = random_lists(agents, seed=agents)

    assert lists == random_lists(agents, seed=agents)
    assert all(len(set(own)) == len(own) <= 8 and agent not in own for agent, own in enumerate(lists))
    assert drawn(lists).tag == f"{SVG}svg"
