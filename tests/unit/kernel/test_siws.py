"""Sign-In with Solana: strict reading, and every known way to cheat with such a text."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import siws
from kernel.signin import (
    Expected,
    SignInExpired,
    SignInNotYetValid,
    SignInUnreadable,
    WrongAddress,
    WrongChainId,
    WrongDomain,
    WrongNonce,
)
from kernel.siws import Message, is_address, parse, render, validate

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
ADDRESS = "Vote111111111111111111111111111111111111111"
TEXT = f"""counterpart.example wants you to sign in with your Solana account:
{ADDRESS}

Sign in to trade. No transaction is made.

URI: https://counterpart.example/login
Version: 1
Chain ID: devnet
Nonce: 0123456789abcdef0123456789abcdef
Issued At: 2026-03-01T12:00:00.000Z
Expiration Time: 2026-03-01T12:05:00Z
Not Before: 2026-03-01T11:59:00+00:00
Request ID: req-7
Resources:
- https://counterpart.example/terms
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq"""
EXPECTED = Expected(
    domain="counterpart.example",
    chain_ids={"devnet"},
    nonce="0123456789abcdef0123456789abcdef",
    now=NOW,
    address=ADDRESS,
)
MESSAGE = Message(
    domain="counterpart.example",
    address=ADDRESS,
    statement="Sign in to trade. No transaction is made.",
    uri="https://counterpart.example/login",
    chain_id="devnet",
    nonce="0123456789abcdef0123456789abcdef",
    issued_at="2026-03-01T12:00:00.000Z",
    expiration_time="2026-03-01T12:05:00Z",
    not_before="2026-03-01T11:59:00+00:00",
    request_id="req-7",
    resources=(
        "https://counterpart.example/terms",
        "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq",
    ),
)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=60
)


def test_a_full_text_is_read_field_by_field() -> None:
    """Every field arrives where it belongs."""
    assert parse(TEXT) == MESSAGE
    assert MESSAGE.domain == "counterpart.example"
    assert MESSAGE.address == ADDRESS
    assert MESSAGE.statement == "Sign in to trade. No transaction is made."
    assert (MESSAGE.cluster, MESSAGE.request_id, len(MESSAGE.resources)) == ("devnet", "req-7", 2)


def test_reading_and_writing_are_inverse() -> None:
    """The text comes back byte for byte."""
    assert render(parse(TEXT)) == TEXT


@given(
    statement=st.none() | WORDS,
    expiration_time=st.none() | st.just("2026-03-01T12:05:00.123456789Z"),
    not_before=st.none() | st.just("2026-03-01T12:00:00-05:30"),
    request_id=st.none() | st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    resources=st.lists(st.just("https://a.example/x"), max_size=3).map(tuple),
    nonce=st.from_regex(r"[A-Za-z0-9]{8,64}", fullmatch=True),
    chain_id=st.sampled_from(["mainnet", "devnet", "testnet", "localnet", "101", "103"]),
)
def test_every_message_survives_its_text(**fields: object) -> None:
    """parse(render(m)) == m, whatever is absent."""
    message = replace(MESSAGE, **fields)  # type: ignore[arg-type]  # fields by name

    assert message == parse(render(message))


def test_the_text_without_a_statement_has_one_empty_line() -> None:
    """As wallets write it."""
    assert f"{ADDRESS}\n\nURI: " in render(replace(MESSAGE, statement=None))


@pytest.mark.parametrize(("number", "cluster"), [("101", "mainnet"), ("103", "devnet")])
def test_older_chain_numbers_are_understood(number: str, cluster: str) -> None:
    """101 and 103 are mainnet and devnet."""
    message = replace(MESSAGE, chain_id=number)

    validate(message, replace(EXPECTED, chain_ids={cluster}))
    assert f"Chain ID: {number}\n" in render(message)


def test_a_good_message_is_accepted() -> None:
    """Our domain, chain, nonce and address, in time."""
    validate(MESSAGE, EXPECTED)
    validate(MESSAGE, replace(EXPECTED, address=None))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"domain": "counterpart.example.evil.example"}, WrongDomain),
        ({"domain": "evil.example"}, WrongDomain),
        ({"uri": "https://evil.example/login"}, WrongDomain),
        ({"uri": "https://counterpart.example@evil.example/login"}, WrongDomain),
        ({"uri": "urn:counterpart.example"}, WrongDomain),
        ({"chain_id": "mainnet"}, WrongChainId),
        ({"chain_id": "101"}, WrongChainId),
        ({"nonce": "f" * 32}, WrongNonce),
        ({"address": "Stake11111111111111111111111111111111111111"}, WrongAddress),
        ({"issued_at": "2026-03-01T13:00:00Z"}, SignInNotYetValid),
        ({"not_before": "2026-03-01T12:00:31Z"}, SignInNotYetValid),
        ({"expiration_time": "2026-03-01T12:00:30Z"}, SignInExpired),
        ({"expiration_time": "2026-03-01T12:00:29.999Z"}, SignInExpired),
    ],
    ids=str,
)
def test_a_message_for_another_use_is_refused(change: dict[str, str], refusal: type[Exception]) -> None:
    """Another domain, chain, nonce, address or time, each by its own name."""
    with pytest.raises(refusal):
        validate(replace(MESSAGE, **change), EXPECTED)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("field", "injected"),
    [
        ("statement", "Hello\nURI: https://evil.example"),
        ("statement", "Hello\rURI: https://evil.example"),
        ("statement", "Hello\u2028URI: https://evil.example"),
        ("statement", "Hello\u202eolleH"),
        ("statement", "\x00"),
        ("statement", ""),
        ("domain", "counterpart.example\nevil"),
        ("domain", "counterpart.example wants"),
        ("domain", "user@counterpart.example"),
        ("domain", ""),
        ("uri", "https://counterpart.example/\nVersion: 1"),
        ("uri", "no uri"),
        ("nonce", "0123456789abcdef\nIssued At: 2026-03-01T12:00:00Z"),
        ("nonce", "short"),
        ("request_id", "a\nResources:"),
        ("request_id", ""),
        ("resources", ("https://a.example\n- https://evil.example",)),
        ("resources", tuple(f"https://a.example/{i}" for i in range(21))),
        ("address", ADDRESS + "\n"),
        ("address", "0" * 43),
        ("address", ADDRESS[:-1]),
        ("chain_id", "devnet\n"),
        ("chain_id", "102"),
        ("version", "2"),
        ("issued_at", "2026-03-01"),
        ("issued_at", "2026-13-01T12:00:00Z"),
        ("issued_at", "2026-03-01T12:00:00"),
        ("issued_at", "2026-03-01 12:00:00Z"),
        ("issued_at", "0001-01-01T00:00:00+23:59"),
        ("not_before", "tomorrow"),
    ],
)
def test_newline_injection_and_unfit_fields_are_refused(field: str, injected: object) -> None:
    """No field can carry a line of its own, or anything outside its form."""
    with pytest.raises(SignInUnreadable):
        replace(MESSAGE, **{field: injected})  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("Solana", "solana"),
        ("account:", "account: "),
        ("Chain ID: devnet\n", ""),
        ("Chain ID: devnet\n", "Chain ID: devnet\nChain ID: mainnet\n"),
        ("Version: 1\nChain ID: devnet", "Chain ID: devnet\nVersion: 1"),
        ("Nonce: ", "Nonce:  "),
        ("Nonce: ", "nonce: "),
        ("Resources:\n", "Resources:\n\n"),
        (
            "Resources:\n- https://counterpart.example/terms\n- ipfs",
            "Resources:\n- https://counterpart.example/terms\nipfs",
        ),
        ("made.\n\n", "made.\n"),
        ("made.\n\n", "made.\n\n\n"),
        (f"{ADDRESS}\n\n", f"{ADDRESS}\n"),
        ("Request ID: req-7\n", "Request ID: req-7\nExtra: 1\n"),
    ],
    ids=range(14),
)
def test_altered_texts_are_refused(old: str, new: str) -> None:
    """Any text that render would not write is refused."""
    assert TEXT.replace(old, new) != TEXT
    with pytest.raises(SignInUnreadable):
        parse(TEXT.replace(old, new))


@pytest.mark.parametrize(
    "text", ["", "\n", "\n\n\n", TEXT + "\n", " " + TEXT, TEXT + "\n- ", TEXT[: TEXT.index("\nNonce")]]
)
def test_texts_cut_or_extended_are_refused(text: str) -> None:
    """Nothing before, nothing after, nothing missing."""
    with pytest.raises(SignInUnreadable):
        parse(text)


def test_resources_need_an_entry() -> None:
    """A heading without a list is an altered text."""
    with pytest.raises(SignInUnreadable):
        parse(TEXT[: TEXT.index("\n- https")])


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever comes, the answer is a message or a refusal."""
    for attempt in (text, TEXT.replace("devnet", text), TEXT.replace("req-7", text), TEXT.replace(ADDRESS, text)):
        try:
            message = parse(attempt)
        except SignInUnreadable:
            continue
        assert attempt == render(message)


def test_an_overlong_text_is_refused_before_it_is_read() -> None:
    """4 096 characters are enough for every honest message."""
    with pytest.raises(SignInUnreadable):
        parse(TEXT + "\n- https://counterpart.example/" + "a" * 4_096)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("11111111111111111111111111111111", True),  # 32 zero bytes
        ("1111111111111111111111111111111", False),  # 31
        ("111111111111111111111111111111111", False),  # 33
        (ADDRESS, True),
        ("z" * 44, False),  # more than 32 bytes
        ("0" + ADDRESS[1:], False),  # not in the alphabet
    ],
)
def test_addresses_are_32_bytes_of_base58(address: str, is_one: bool) -> None:
    """Exactly a public key's length."""
    assert is_one == is_address(address)


def test_the_default_chain_is_mainnet() -> None:
    """As the wallets' standard says."""
    message = Message(
        domain="a.example", address=ADDRESS, uri="https://a.example", nonce="abcdefgh", issued_at="2026-03-01T12:00:00Z"
    )

    assert message.cluster == "mainnet"
    assert message == siws.parse(siws.render(message))
