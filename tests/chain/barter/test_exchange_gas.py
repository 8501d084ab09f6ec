"""What an exchange costs in gas, printed; BENCHMARKS.md has it as a table."""

import sys
from collections.abc import Callable
from random import Random
from statistics import mean
from typing import Any

import pytest

from functions.barter.core.certificate import certify, check
from functions.barter.core.journal import direct_seal, journal_of
from infra.local.barter.world import BarterWorld, Phase

pytestmark = pytest.mark.chain

AGENTS, LIST_MAX = 64, 16
#: The check of a certificate, its transaction and calldata included, without what moves tokens to their new owners.
CHECK_GAS_MAX = 215_000


def crowded(seed: int) -> list[list[int]]:
    """Full lists of 16 over 64 items."""
    dice = Random(seed)
    return [dice.sample([item for item in range(AGENTS) if item != agent], LIST_MAX) for agent in range(AGENTS)]


def gas(receipts: list[dict[str, Any]]) -> int:
    """What one of these cost in the mean."""
    return round(mean(int(receipt["gasUsed"], 16) for receipt in receipts))


def test_sixty_four_agents_with_full_lists(
    open_market: Callable[..., BarterWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every step of a market, and the check of its certificate alone."""
    market, lists = open_market(AGENTS), crowded(20_261_121)
    deposit = gas(market.deposit())
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
    figures = f"deposit {deposit:,}, list {rank:,}, check {checked:,}, check and {moved} moves {traded:,}"

    with capsys.disabled():
        sys.stdout.write(f"\nbarter: gas at {AGENTS} agents, K = {LIST_MAX}: {figures}, withdrawal {withdrawal:,}\n")
    assert checked <= CHECK_GAS_MAX
