"""What is posted, and what binds a proof to its market."""

from dataclasses import replace

import pytest
from hypothesis import given

from functions.barter.core.certificate import certify
from functions.barter.core.cycles import top_trading_cycles
from functions.barter.core.journal import (
    FIELD,
    Market,
    allocation_of,
    bound_words,
    challenge,
    direct_seal,
    evaluation,
    journal_of,
)
from functions.barter.core.words import WordsInvalid, pack_lists
from tests.unit.barter.published import ALLOCATION, LISTS
from tests.unit.barter.test_cycles import markets

pytestmark = pytest.mark.unit

MARKET = Market(chain_id=31337, address=bytes(range(20)), trade_block=42, agents=6, list_max=16)
COMMITMENT = 7


def test_the_published_markets_bytes() -> None:
    """Journal: items as index plus one. Seal: the way, labels, positions, of 16 as longest list."""
    assert journal_of(ALLOCATION).hex() == "004001006003005002".rjust(64, "0")
    assert direct_seal(certify(LISTS, 16)).hex() == (
        "00" + "003002003001002002".rjust(64, "0") + "001000002010001001".rjust(64, "0")
    )


@given(markets())
def test_a_journal_is_read_as_it_was_written(lists: list[list[int]]) -> None:
    """And the same market makes the same bytes."""
    allocation = top_trading_cycles(lists)

    assert allocation_of(journal_of(allocation), len(lists)) == allocation
    assert journal_of(allocation) == journal_of(top_trading_cycles([list(wishes) for wishes in lists]))


def test_a_journal_without_an_item_is_refused() -> None:
    """Zero is no item."""
    with pytest.raises(WordsInvalid):
        allocation_of(bytes(32), 2)


def test_agents_beyond_the_markets_keep_their_own() -> None:
    """A circuit for 24: eighteen without a list, and two words of what is received."""
    words = bound_words(pack_lists(LISTS), ALLOCATION, 24)

    assert len(words) == 26
    assert words[:6] == pack_lists(LISTS)
    assert words[6:24] == (0,) * 18
    assert allocation_of(b"".join(word.to_bytes(32, "big") for word in words[24:]), 24) == [*ALLOCATION, *range(6, 24)]
    with pytest.raises(WordsInvalid):
        bound_words(pack_lists(LISTS), ALLOCATION, 5)


def test_everything_a_proof_is_for_changes_its_challenge() -> None:
    """Another chain, contract, block, number of agents, length of lists, commitment, list or allocation."""
    words = bound_words(pack_lists(LISTS), ALLOCATION, 16)
    others = [
        replace(MARKET, chain_id=1),
        replace(MARKET, address=bytes(20)),
        replace(MARKET, trade_block=1),
        replace(MARKET, agents=1),
        replace(MARKET, list_max=1),
    ]
    drawn = {
        challenge(MARKET, COMMITMENT, words),
        challenge(MARKET, COMMITMENT + 1, words),
        challenge(MARKET, COMMITMENT, (words[0] + 1, *words[1:])),
        challenge(MARKET, COMMITMENT, (*words[:-1], words[-1] + 1)),
        *(challenge(other, COMMITMENT, words) for other in others),
    }

    assert len(drawn) == 9
    assert all(r < FIELD for r in drawn)


def test_the_evaluation_is_the_sum_of_powers_from_one() -> None:
    """In the field."""
    words, r = (3, 0, FIELD - 1), FIELD - 2

    assert evaluation(words, r) == (3 * r + (FIELD - 1) * pow(r, 3, FIELD)) % FIELD
    assert evaluation((), r) == 0
