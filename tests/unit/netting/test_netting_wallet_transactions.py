"""What wallets hand back, what owners let session keys do, and the life of a wallet's transaction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.netting.core.intents import IntentType
from functions.netting.core.offered import NOT_SIGNED, HandedBackUnfit, taken_apart
from functions.netting.core.session_terms import LIFE_MAX_S, VOLUME_MAX_LAMPORTS, Terms, TermsUnfit, agreed_end
from functions.netting.core.wallet_transaction import TRANSITIONS, Event, State, WalletTransitionRefused, after

pytestmark = pytest.mark.unit

MESSAGE, SIGNATURE, STRANGE = b"\x80the message", b"\1" * 64, b"\2" * 64
WALLET, AUTHORITY = "wallet", "authority"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TERMS = Terms(owner=WALLET, key="key", max_volume_lamports=5, expires_in_s=3_600, allowed=frozenset({IntentType.TRADE}))
LINE = f"counterpart:session:key:5:{int(NOW.timestamp()) + 3_600}"


def test_a_message_comes_back_with_its_wallets_signature() -> None:
    """Alone, or beside the place that waits for ours."""
    alone = taken_apart(b"\1" + SIGNATURE + MESSAGE)
    beside = taken_apart(b"\2" + SIGNATURE + NOT_SIGNED + MESSAGE)

    assert (MESSAGE, SIGNATURE) == (alone.message, alone.signature_of(WALLET, [WALLET]))
    assert (MESSAGE, SIGNATURE) == (beside.message, beside.signature_of(WALLET, [WALLET, AUTHORITY]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" + MESSAGE,
        b"\1" + SIGNATURE,
        b"\2" + SIGNATURE + STRANGE,
        b"\3" + SIGNATURE * 3 + MESSAGE,
        b"\x81\0" + SIGNATURE + MESSAGE,
    ],
    ids=["nothing", "no signature", "no message", "no message behind two", "three", "a count in two bytes"],
)
def test_what_is_no_transaction_is_refused(raw: bytes) -> None:
    """Each count has one way to be written, and there are two signers at most."""
    with pytest.raises(HandedBackUnfit):
        taken_apart(raw)


@pytest.mark.parametrize(
    ("raw", "signers"),
    [
        (b"\1" + NOT_SIGNED + MESSAGE, [WALLET]),
        (b"\2" + NOT_SIGNED + SIGNATURE + MESSAGE, [WALLET, AUTHORITY]),
        (b"\2" + SIGNATURE + STRANGE + MESSAGE, [WALLET, AUTHORITY]),
        (b"\2" + SIGNATURE + NOT_SIGNED + MESSAGE, [WALLET]),
        (b"\1" + SIGNATURE + MESSAGE, [WALLET, AUTHORITY]),
        (b"\1" + SIGNATURE + MESSAGE, [AUTHORITY]),
    ],
    ids=["nobody", "the other", "both", "one too many", "one too few", "somebody else's"],
)
def test_what_others_have_signed_is_refused(raw: bytes, signers: list[str]) -> None:
    """The wallet's signature is to be the only one."""
    with pytest.raises(HandedBackUnfit):
        taken_apart(raw).signature_of(WALLET, signers)


@given(st.binary(max_size=300))
def test_no_bytes_are_read_in_two_ways(raw: bytes) -> None:
    """What is taken apart and put together again is what came."""
    try:
        parts = taken_apart(raw)
    except HandedBackUnfit:
        return

    assert raw == bytes([len(parts.signatures)]) + b"".join(parts.signatures) + parts.message


def test_an_owner_agrees_to_terms_by_the_last_line() -> None:
    """Whole seconds from the moment of the text; other resources may stand before."""
    late = NOW + timedelta(milliseconds=700)

    assert NOW + timedelta(hours=1) == agreed_end(TERMS, late, ("https://a.example", LINE), NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_volume_lamports": 0}, "maxVolumeLamports"),
        ({"max_volume_lamports": VOLUME_MAX_LAMPORTS + 1}, "maxVolumeLamports"),
        ({"expires_in_s": 59}, "expiresInSeconds"),
        ({"expires_in_s": LIFE_MAX_S + 1}, "expiresInSeconds"),
        ({"allowed": frozenset()}, "allowedActions"),
        ({"key": WALLET}, "sessionPubkey"),
        ({"max_volume_lamports": 6}, "resources"),
        ({"expires_in_s": 3_601}, "resources"),
        ({"key": "another"}, "resources"),
    ],
)
def test_terms_out_of_bounds_or_not_agreed_to_are_refused(changes: dict[str, Any], field: str) -> None:
    """The field is named."""
    with pytest.raises(TermsUnfit, match=field):
        agreed_end(replace(TERMS, **changes), NOW, (LINE,), NOW)


@pytest.mark.parametrize("seconds", [LIFE_MAX_S, 60])
def test_the_bounds_of_a_life_are_within_it(seconds: int) -> None:
    """A minute and a year."""
    terms = replace(TERMS, expires_in_s=seconds)

    assert NOW + timedelta(seconds=seconds) == agreed_end(
        terms, NOW, (terms.resource(NOW + timedelta(seconds=seconds)),), NOW
    )


def test_a_session_that_is_over_is_none() -> None:
    """A text of an hour ago, for an hour."""
    assert agreed_end(TERMS, NOW, (LINE,), NOW + timedelta(seconds=3_599))
    with pytest.raises(TermsUnfit, match="expiresInSeconds"):
        agreed_end(TERMS, NOW, (LINE,), NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "resources", [(), (LINE, "https://a.example"), (LINE, LINE), ("counterpart:session:key:9:1", LINE), (LINE + "0",)]
)
def test_a_text_says_one_thing_of_sessions_and_says_it_last(resources: tuple[str, ...]) -> None:
    """The program reads the last line; nobody is to read another one."""
    with pytest.raises(TermsUnfit, match="resources"):
        agreed_end(TERMS, NOW, resources, NOW)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.OFFERED),
        ([Event.EXPIRE], State.EXPIRED),
        ([Event.SEND], State.SENT),
        ([Event.SEND, Event.SETTLE], State.SETTLED),
        ([Event.SEND, Event.FAIL], State.FAILED),
        ([Event.SEND, Event.EXPIRE], State.EXPIRED),
    ],
)
def test_a_life(events: list[Event], state: State) -> None:
    """From the offer to an end."""
    reached = State.OFFERED
    for event in events:
        reached = after(reached, event)

    assert state == reached


def test_nothing_settles_that_was_not_sent_and_an_end_is_an_end() -> None:
    """Every other step is refused."""
    legal = {(state, event) for state, events in TRANSITIONS.items() for event in events}

    assert 5 == len(legal)
    for state, event in {(state, event) for state in State for event in Event} - legal:
        with pytest.raises(WalletTransitionRefused):
            after(state, event)
