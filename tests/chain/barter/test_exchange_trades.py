"""A market from its first deposit to its last withdrawal, and everything that may not end it."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.barter.core.certificate import Certificate, CertificateInvalid, certify, check
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import direct_seal, journal_of
from functions.barter.core.words import WordsInvalid, from_bytes, pack_lists, unpack
from infra.local.anvil import RpcRefused
from infra.local.barter.world import BarterWorld, Phase
from infra.local.flare.contracts import explain
from infra.local.flare.transactions import TransactionReverted
from tests.unit.barter.published import ALLOCATION, LISTS

pytestmark = pytest.mark.chain

LIST_MAX = 16


@pytest.fixture
def market(open_market: Callable[..., BarterWorld]) -> BarterWorld:
    """The published market, in Trade."""
    world = open_market(6)
    world.ready(LISTS)
    return world


def proof(lists: list[list[int]]) -> tuple[bytes, bytes]:
    """Journal and seal of a market's certificate."""
    certificate = certify(lists, LIST_MAX)
    return journal_of(check(lists, certificate, LIST_MAX)), direct_seal(certificate)


def refusal(market: BarterWorld, journal: bytes, seal: bytes) -> str | None:
    """Why the exchange does not take these trades; None where it would."""
    data = "0x" + market.exchange.data("reallocateTokens", journal, seal).hex()
    try:
        market.node.rpc("eth_call", {"from": market.operator.address, "to": market.exchange.address, "data": data})
    except RpcRefused as refused:
        return explain(str(refused.data), [market.exchange.artifact])
    return None


def test_the_published_market_is_traded_as_published(market: BarterWorld) -> None:
    """Each owner holds what top trading cycles give, and takes it out; the emptied exchange is cleaned up."""
    before = market.owners
    receipt = market.reallocate(*proof(LISTS))
    after, hashes, traded = market.owners, market.hashes, market.phase

    assert ALLOCATION == top_trading_cycles(LISTS)
    assert [after[item] for item in ALLOCATION] == before
    assert traded == Phase.WITHDRAW
    events = [market.exchange.event("PhaseChanged", log) for log in phase_changes(market, receipt)]
    assert events == [{"newPhase": Phase.WITHDRAW}]

    by_address = {token.owner.address.lower(): token.owner for token in market.tokens}
    for token_hash, owner in zip(hashes, after, strict=True):
        market.send(by_address[owner], "withdrawNFT", token_hash)
    assert market.phase == Phase.CLEANUP
    assert not any(market.ask("isTokenDeposited", token_hash)[0] for token_hash in hashes)


def test_only_what_was_moved_is_told(market: BarterWorld) -> None:
    """One event a token that changed hands; whoever keeps its own is in none."""
    receipt = market.reallocate(*proof(LISTS))

    moved = [market.exchange.event("Reallocated", log)["tokenHash"] for log in receipt["logs"][:-1]]
    assert moved == [market.hashes[item] for agent, item in enumerate(ALLOCATION) if item != agent]


def test_the_lists_are_words_of_their_indices(market: BarterWorld) -> None:
    """What the exchange stores is what is computed here, and reads back page by page."""
    words = list(market.ask("preferenceWords", 0, 100)[0])
    page = market.ask("tokenPreferences", 4, 100)[0]

    assert tuple(words) == pack_lists(LISTS)
    assert market.ask("preferenceWords", 4, 1)[0] == (words[4],)
    assert market.ask("preferenceWords", 6, 1)[0] == ()
    assert page == market.ask("getAllTokenPreferences")[0][4:]
    assert [market.hashes.index(one) for one in page[0][2]] == LISTS[4]


def test_another_allocation_is_refused(market: BarterWorld) -> None:
    """Everybody keeping the own token, with the labels of the truth, and with labels of its own."""
    _, seal = proof(LISTS)
    keeping = journal_of(range(6))
    selfish = direct_seal(Certificate((LIST_MAX,) * 6, (1,) * 6))

    assert refusal(market, keeping, seal) == "Certificate does not hold"
    assert refusal(market, keeping, selfish) == "Certificate does not hold"


def test_what_is_no_permutation_is_refused(market: BarterWorld) -> None:
    """One token for two, and a token that nobody brought."""
    _, seal = proof(LISTS)

    assert refusal(market, journal_of([1, 1, 2, 5, 0, 3]), seal) == "Not a permutation"
    assert refusal(market, journal_of([1, 4, 2, 6, 0, 3]), seal) == "Not a permutation"
    assert refusal(market, b"\0" * 32, seal) == "Not a permutation"


def test_a_changed_bit_anywhere_is_refused_unless_it_still_shows_the_same(market: BarterWorld) -> None:
    """Every bit of the journal; of the seal every bit but those that leave a certificate of the same allocation."""
    journal, seal = proof(LISTS)
    places = range(8, 8 * len(seal))
    taken = [at for at in places if refusal(market, journal, flipped(seal, at)) is None]

    assert all(refusal(market, flipped(journal, at), seal) for at in range(8 * len(journal)))
    assert taken == [at for at in places if still_holds(flipped(seal, at))]
    assert len(taken) < len(LISTS) * 12


def test_a_seal_of_another_kind_or_length_is_refused(market: BarterWorld) -> None:
    """Nothing, a third kind, a proof where there is no verifier, one word less, and bits behind the last entry."""
    journal, seal = proof(LISTS)

    assert refusal(market, journal, b"") == "Unknown kind of seal"
    assert refusal(market, journal, b"\2" + seal[1:]) == "Unknown kind of seal"
    assert refusal(market, journal, b"\1" + bytes(32 * 9)) == "No verifier of proofs"
    assert refusal(market, journal, seal[:-32]) == "Seal of another length"
    assert refusal(market, journal + bytes(32), seal) == "Journal of another length"
    assert refusal(market, flipped(journal, 8 * 32 - 1 - 6 * 12), seal) == "Words are not canonical"
    assert refusal(market, flipped(journal, 0), seal) == "Words are not canonical"


def test_another_markets_certificate_is_refused(market: BarterWorld) -> None:
    """The same agents with other lists."""
    other = [[wish for wish in wishes if wish != 2] for wishes in LISTS]

    assert refusal(market, *proof(other)) == "Certificate does not hold"


def test_trades_are_taken_once_and_only_in_trade(open_market: Callable[..., BarterWorld], market: BarterWorld) -> None:
    """Before Trade and after it there is nothing to trade."""
    early = open_market(6)
    early.deposit()
    market.reallocate(*proof(LISTS))

    assert refusal(early, *proof(LISTS)) == "Not in the correct phase"
    assert refusal(market, *proof(LISTS)) == "Not in the correct phase"


def test_whoever_brings_the_proof_may_post_it(market: BarterWorld) -> None:
    """The result is the same whoever posts it: an owner does not depend on the operator."""
    market.reallocate(*proof(LISTS), sender=market.tokens[3].owner)

    assert market.phase == Phase.WITHDRAW


def test_without_a_proof_everybody_keeps_what_they_brought(market: BarterWorld) -> None:
    """Strictly more than 250 blocks after Trade began anybody may end it, and not one block before."""
    before = market.owners
    market.node.rpc("anvil_mine", hex(249))
    with pytest.raises(TransactionReverted) as raised:
        market.send(market.tokens[0].owner, "advancePhase")
    market.send(market.tokens[0].owner, "advancePhase")

    assert raised.value.reason == "Can only manually set to Withdraw after 250 blocks with no proof"
    assert (market.phase, market.owners) == (Phase.WITHDRAW, before)
    assert refusal(market, *proof(LISTS)) == "Not in the correct phase"


def phase_changes(market: BarterWorld, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    """The logs of a receipt that tell a phase."""
    topic = "0x" + market.exchange.topic("PhaseChanged").hex()
    return [log for log in receipt["logs"] if log["topics"][0] == topic]


def flipped(data: bytes, at: int) -> bytes:
    """The bytes with one bit changed."""
    changed = bytearray(data)
    changed[at // 8] ^= 0x80 >> at % 8
    return bytes(changed)


def still_holds(seal: bytes) -> bool:
    """Whether the seal is a certificate of the published allocation, by the Python check."""
    words = from_bytes(seal[1:])
    try:
        labels, positions = unpack(words[:1], 6), unpack(words[1:], 6)
        return check(LISTS, Certificate(positions, labels), LIST_MAX) == ALLOCATION
    except (CertificateInvalid, WordsInvalid):
        return False
