"""Markets traded by a proof that was really made for them, at 16 agents, and by no other."""

import sys
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from functions.barter.core.certificate import certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import direct_seal, journal_of
from gpu.exchange import check, prove
from gpu.exchange.form import seal_of
from gpu.refusals import InputRefused
from infra.local.anvil import RpcRefused
from infra.local.barter.world import BarterWorld, Phase, Terms
from infra.local.flare.contracts import Contract
from infra.local.flare.transactions import TransactionReverted
from tests.chain.barter.groth16 import LIST_MAX, SIZE, asked
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

JOURNAL = journal_of(ALLOCATION)
#: The check of a proof, its transaction and calldata included, and the words of sixteen agents read and hashed.
PROOF_GAS_MAX = 290_000


@pytest.fixture
def open_proven(groth16_verifier: Contract, open_market: Callable[..., BarterWorld]) -> Callable[..., BarterWorld]:
    """A market before the verifier, in Trade."""

    def open_one(lists: list[list[int]]) -> BarterWorld:
        market = open_market(len(lists), Terms(agents_max=SIZE, list_max=LIST_MAX, verifier=groth16_verifier.address))
        market.ready(lists)
        return market

    return open_one


def seal(market: BarterWorld, proving_key: bytes, lists: list[list[int]] = LISTS, **changed: Any) -> bytes:
    """A proof that was made for a market, or for what differs from it."""
    return seal_of(prove.run(asked(market, lists) | changed, proving_key)[0])


def taken(market: BarterWorld, journal: bytes, with_seal: bytes) -> bool:
    """Whether the exchange would take it; where not, it is because the proof does not hold."""
    try:
        received = market.ask("verifyTrades", journal, with_seal)[0]
    except RpcRefused as refused:
        assert "Proof does not hold" in str(refused) or "Commitment outside the field" in str(refused)
        return False
    return bool(received)


def test_a_market_is_traded_by_proof(
    open_proven: Callable[..., BarterWorld], proving_key: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six agents before a circuit for sixteen: proven, checked by the second verifier, posted, enacted."""
    market = open_proven(LISTS)
    before, arguments = market.owners, asked(market, LISTS)
    result, output = prove.run(arguments, proving_key)
    gas = int(market.send(market.operator, "verifyTrades", JOURNAL, seal_of(result))["gasUsed"], 16)
    receipt = market.reallocate(JOURNAL, seal_of(result))

    with capsys.disabled():
        told = f"check {gas:,}, check and enactment {int(receipt['gasUsed'], 16):,}"
        sys.stdout.write(f"\nbarter: gas by proof, circuit of {SIZE}, {len(LISTS)} agents: {told}\n")
    assert check.problem_of(arguments, result, output) is None
    assert market.phase == Phase.WITHDRAW
    assert [market.owners[item] for item in ALLOCATION] == before
    assert gas < PROOF_GAS_MAX


def test_a_full_market_is_traded_by_proof(open_proven: Callable[..., BarterWorld], proving_key: bytes) -> None:
    """Sixteen agents with lists of any length, some empty."""
    dice = Random(20_261_121)
    lists = [dice.sample([item for item in range(SIZE) if item != agent], dice.randrange(16)) for agent in range(SIZE)]
    market, allocation = open_proven(lists), top_trading_cycles(lists)
    before = market.owners
    market.reallocate(journal_of(allocation), seal(market, proving_key, lists))

    assert [market.owners[item] for item in allocation] == before


def test_a_changed_bit_of_a_proof_is_refused(
    open_proven: Callable[..., BarterWorld], proving_key: bytes, volume: Callable[[int, int], int]
) -> None:
    """In every word of the seal; in the soak every bit of it."""
    market = open_proven(LISTS)
    made = seal(market, proving_key)
    bits = volume(9 * 4, 9 * 256)
    places = range(0, 9 * 256, 9 * 256 // bits)
    changed = [made[0:1] + (int.from_bytes(made[1:], "big") ^ 1 << bit).to_bytes(288, "big") for bit in places]

    assert taken(market, JOURNAL, made)
    assert not any(taken(market, JOURNAL, other) for other in changed)


def test_a_proof_of_another_market_block_chain_or_size_is_refused(
    open_proven: Callable[..., BarterWorld], proving_key: bytes
) -> None:
    """Each of them a proof that holds, for its own public inputs; that of a second market is taken there."""
    market, other = open_proven(LISTS), open_proven(LISTS)
    of = asked(market, LISTS)
    others = [
        seal(market, proving_key, chain_id=of["chain_id"] + 1),
        seal(market, proving_key, trade_block=of["trade_block"] + 1),
        seal(other, proving_key),
    ]

    assert not any(taken(market, JOURNAL, made) for made in others)
    assert taken(other, JOURNAL, others[-1])


def test_a_proof_of_another_allocation_is_refused(open_proven: Callable[..., BarterWorld], proving_key: bytes) -> None:
    """With the proof that holds, no other journal; and nothing proves another one, nor other lists."""
    market = open_proven(LISTS)
    made, keeping = seal(market, proving_key), [*range(len(LISTS))]
    swapped = [ALLOCATION[1], ALLOCATION[0], *ALLOCATION[2:]]
    other = [[], *LISTS[1:]]

    assert not any(taken(market, journal_of(allocation), made) for allocation in (keeping, swapped))
    assert not taken(market, journal_of(top_trading_cycles(other)), seal(market, proving_key, other))
    with pytest.raises(InputRefused, match="compute the certificate anew"):
        seal(market, proving_key, allocation=[item + 1 for item in keeping])


def test_before_a_verifier_a_certificate_is_taken_as_well(open_proven: Callable[..., BarterWorld]) -> None:
    """Either way shows the same; and a refused proof leaves the market as it was."""
    market = open_proven(LISTS)
    with pytest.raises(TransactionReverted, match="Proof does not hold"):
        market.reallocate(JOURNAL, b"\1" + bytes(9 * 32))
    market.reallocate(JOURNAL, direct_seal(certify(LISTS, LIST_MAX)))

    assert market.phase == Phase.WITHDRAW
