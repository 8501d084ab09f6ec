"""Every revert of the exchange before trades are brought, and after."""

from collections.abc import Callable

import pytest

from infra.local.barter.world import BarterWorld, Phase, Terms
from infra.local.flare.accounts import DevAccount
from infra.local.flare.transactions import Transaction, TransactionReverted

pytestmark = pytest.mark.chain

Open = Callable[..., BarterWorld]


def why(market: BarterWorld, sender: DevAccount, function: str, *arguments: object, value_wei: int = 0) -> str:
    """The reason of a revert."""
    with pytest.raises(TransactionReverted) as raised:
        market.send(sender, function, *arguments, value_wei=value_wei)
    return raised.value.reason


def approve(market: BarterWorld, number: int) -> None:
    """Let the exchange take a token."""
    token = market.tokens[number]
    data = token.collection.data("approve", market.exchange.address, token.token_id)
    market.mine([Transaction(sender=token.owner, to=token.collection.address, data=data, note="approve")])


def test_the_selectors_are_the_originals(open_market: Open) -> None:
    """What the original's clients call."""
    exchange = open_market(1).exchange
    calls: dict[str, tuple[object, ...]] = {
        "advancePhase": (),
        "depositNFT": (("0x" + "11" * 20, 7),),
        "setPreferences": (bytes(32), []),
        "reallocateTokens": (b"", b""),
        "getAllTokenPreferences": (),
        "withdrawNFT": (bytes(32),),
    }
    selectors = {name: exchange.data(name, *arguments)[:4].hex() for name, arguments in calls.items()}

    assert selectors == {
        "advancePhase": "be25a718",
        "depositNFT": "d5234b1f",
        "setPreferences": "d03c89d9",
        "reallocateTokens": "07f8449f",
        "getAllTokenPreferences": "ab046ac9",
        "withdrawNFT": "3bb8259c",
    }


def test_a_token_is_called_by_the_published_hash(open_market: Open) -> None:
    """keccak256 of the collection's 20 bytes and the id's 32."""
    asked = open_market(1).ask("getTokenHash", ("0x5FbDB2315678afecb367f032d93F642f64180aa3", 7))

    assert asked[0].hex() == "89ca6e9b42c47653a63b5462caa477b041098000f60a964f87fd85a0056e3d54"


def test_deposits_are_taken_once_of_owners_for_the_fee_while_there_is_room(open_market: Open) -> None:
    """And the fee goes to the operator, when tokens do not depend on it any more."""
    market = open_market(3, Terms(agents_max=2, deposit_fee_wei=5))
    first, second, third = market.tokens
    for number in range(3):
        approve(market, number)

    assert why(market, first.owner, "depositNFT", first.named, value_wei=4) == "Not the deposit fee"
    market.send(first.owner, "depositNFT", first.named, value_wei=5)
    assert why(market, first.owner, "depositNFT", first.named, value_wei=5) == "Token already deposited"
    market.send(second.owner, "depositNFT", second.named, value_wei=5)
    assert why(market, third.owner, "depositNFT", third.named, value_wei=5) == "Too many tokens"
    assert market.ask("getDepositedTokens")[0] == tuple((one.named[0].lower(), one.named[1]) for one in (first, second))
    assert market.ask("getTokenFromHash", market.hashes[1])[0] == (second.named[0].lower(), second.named[1])
    assert why(market, market.operator, "collectFees") == "Not in the correct phase"


def test_lists_hold_tokens_that_are_there_each_once_and_not_too_many(open_market: Open) -> None:
    """Said by the owner; the own token ends the list, and what follows it is checked and not stored."""
    market = open_market(4, Terms(list_max=2))
    market.deposit()
    market.advance(Phase.RANK)
    owner, hashes = market.tokens[0].owner, market.hashes
    rank = "setPreferences"

    assert why(market, market.tokens[1].owner, rank, hashes[0], [hashes[1]]) == "Not token owner"
    assert why(market, owner, rank, hashes[0], [b"\1" * 32]) == "Invalid preference token"
    assert why(market, owner, rank, hashes[0], [hashes[1], hashes[1]]) == "Duplicate preference token"
    assert why(market, owner, rank, hashes[0], [hashes[0], hashes[1], hashes[1]]) == "Duplicate preference token"
    assert why(market, owner, rank, hashes[0], [hashes[1], hashes[2], hashes[3]]) == "Too many preferences"
    market.send(owner, rank, hashes[0], [hashes[3], hashes[0], hashes[2]])
    assert market.ask("getPreferences", hashes[0])[0] == (hashes[3],)
    market.send(owner, rank, hashes[0], [])
    assert market.ask("getPreferences", hashes[0])[0] == ()


def test_each_thing_has_its_phase(open_market: Open) -> None:
    """What belongs to another phase is refused, and a phase does not end before its time."""
    market = open_market(2, Terms(deposit_s=50, rank_s=70))
    token, owner = market.tokens[0], market.tokens[0].owner
    wrong = "Not in the correct phase"

    assert market.ask("phaseDuration")[0] == 50
    assert why(market, owner, "advancePhase") == "Phase duration not passed"
    assert why(market, owner, "setPreferences", market.hashes[0], []) == wrong
    assert why(market, owner, "withdrawNFT", market.hashes[0]) == wrong
    market.deposit()
    market.advance(Phase.RANK)
    assert market.ask("phaseDuration")[0] == 70
    assert why(market, owner, "advancePhase") == "Phase duration not passed"
    assert why(market, owner, "depositNFT", token.named) == wrong
    market.advance(Phase.TRADE)
    assert why(market, owner, "setPreferences", market.hashes[0], []) == wrong
    market.advance(Phase.WITHDRAW)
    assert why(market, owner, "advancePhase") == "Tokens not withdrawn"
    assert why(market, owner, "withdrawNFT", market.hashes[1]) == "Not token owner"
    for one, token_hash in zip(market.tokens, market.hashes, strict=True):
        market.send(one.owner, "withdrawNFT", token_hash)
    assert market.phase == Phase.CLEANUP
    assert why(market, owner, "advancePhase") == wrong
    assert why(market, owner, "withdrawNFT", market.hashes[0]) == wrong


def test_an_exchange_without_tokens_ends_too(open_market: Open) -> None:
    """Nobody came: nothing holds it."""
    market = open_market(0)
    market.advance(Phase.CLEANUP)

    assert market.phase == Phase.CLEANUP


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (Terms(agents_max=0), "No agents"),
        (Terms(agents_max=901), "More agents than one transaction enacts"),
        (Terms(list_max=22), "Too long lists for a word"),
        (Terms(list_max=0), "Too long lists for a word"),
    ],
)
def test_what_is_out_of_bounds_is_not_deployed(open_market: Open, terms: Terms, reason: str) -> None:
    """900 agents and lists of 21 are the most."""
    with pytest.raises(TransactionReverted) as raised:
        open_market(0, terms)

    assert raised.value.reason == reason
