"""What an exchange costs in gas, printed; BENCHMARKS.md has it as a table."""

import sys
from collections.abc import Callable
from statistics import mean
from typing import Any

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.journal import direct_seal, journal_of
from infra.local.barter.world import BarterWorld, Phase
from tests.unit.barter.crowds import full_lists

pytestmark = pytest.mark.chain

AGENTS, LIST_MAX = 64, 16
#: The check of a certificate, its transaction and calldata included, without what moves tokens to their new owners.
CHECK_GAS_MAX = 215_000


def gas(receipts: list[dict[str, Any]]) -> int:
    """What one of these cost in the mean."""
    return round(mean(int(receipt["gasUsed"], 16) for receipt in receipts))


def test_sixty_four_agents_with_full_lists(
    open_market: Callable[..., BarterWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every step of a market, and the check of its certificate alone."""
    market, lists = open_market(AGENTS), full_lists(AGENTS, LIST_MAX, seed=20_261_121)
    first, *others = market.deposit()
    market.advance(Phase.RANK)
    rank = gas(market.rank(lists))
    market.advance(Phase.TRADE)
    certificate = certify(lists, LIST_MAX)
    allocation = check(lists, certificate, LIST_MAX)
    journal, seal = journal_of(allocation), direct_seal(certificate)
    call = {"to": market.exchange.address, "data": "0x" + market.exchange.data("verifyTrades", journal, seal).hex()}
    checked = int(market.node.rpc("eth_estimateGas", call), 16)
    traded = gas([market.reallocate(journal, seal)])
    withdrawal = gas([market.send(market.tokens[allocation.index(0)].owner, "withdrawNFT", market.hashes[0])])
    moved = sum(item != agent for agent, item in enumerate(allocation))
    deposits = f"the first deposit {gas([first]):,}, others {gas(others):,}"
    figures = f"{deposits}, list {rank:,}, check {checked:,}, check and {moved} moves {traded:,}"

    with capsys.disabled():
        sys.stdout.write(f"\nbarter: gas at {AGENTS} agents, K = {LIST_MAX}: {figures}, withdrawal {withdrawal:,}\n")
    assert checked <= CHECK_GAS_MAX
