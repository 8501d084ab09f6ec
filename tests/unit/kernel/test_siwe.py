"""Sign-In with Ethereum (EIP-4361): strict reading, and every known way to cheat with such a text."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

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
from kernel.siwe import Message, digest, parse, render, validate

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's own example
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
TEXT = f"""counterpart.example:8443 wants you to sign in with your Ethereum account:
{ADDRESS}

Sign in to the console.

URI: https://counterpart.example:8443/login
Version: 1
Chain ID: 14
Nonce: 0123456789abcdef
Issued At: 2026-03-01T12:00:00Z
Expiration Time: 2026-03-01T12:05:00Z
Not Before: 2026-03-01T12:00:00Z
Request ID: req-7
Resources:
- https://counterpart.example:8443/terms"""
EXPECTED = Expected(
    domain="counterpart.example:8443", chain_ids={"14", "114"}, nonce="0123456789abcdef", now=NOW, address=ADDRESS
)
MESSAGE = Message(
    domain="counterpart.example:8443",
    address=ADDRESS,
    statement="Sign in to the console.",
    uri="https://counterpart.example:8443/login",
    chain_id="14",
    nonce="0123456789abcdef",
    issued_at="2026-03-01T12:00:00Z",
    expiration_time="2026-03-01T12:05:00Z",
    not_before="2026-03-01T12:00:00Z",
    request_id="req-7",
    resources=("https://counterpart.example:8443/terms",),
)


def test_a_full_text_is_read_field_by_field() -> None:
    """Every field arrives where it belongs."""
    assert parse(TEXT) == MESSAGE


def test_reading_and_writing_are_inverse() -> None:
    """The text comes back byte for byte."""
    assert render(parse(TEXT)) == TEXT


@given(
    statement=st.none() | st.from_regex(r"[A-Za-z0-9 .,!-]{1,60}", fullmatch=True),
    expiration_time=st.none() | st.just("2026-03-01T12:05:00.5Z"),
    request_id=st.none() | st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    resources=st.lists(st.just("https://a.example/x"), max_size=3).map(tuple),
    nonce=st.from_regex(r"[A-Za-z0-9]{8,64}", fullmatch=True),
    chain_id=st.integers(1, 2**53).map(str),
)
def test_every_message_survives_its_text(**fields: object) -> None:
    """parse(render(m)) == m, whatever is absent."""
    message = replace(MESSAGE, **fields)  # type: ignore[arg-type]  # fields by name

    assert message == parse(render(message))


def test_without_a_statement_both_empty_lines_stay() -> None:
    """As EIP-4361's grammar has it."""
    assert f"{ADDRESS}\n\n\nURI: " in render(replace(MESSAGE, statement=None))


def test_a_good_message_is_accepted() -> None:
    """Our domain, chain, nonce and address, in time."""
    validate(MESSAGE, EXPECTED)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"domain": "evil.example"}, WrongDomain),
        ({"domain": "counterpart.example"}, WrongDomain),  # the port belongs to it
        ({"uri": "https://evil.example/login"}, WrongDomain),
        ({"uri": "https://counterpart.example:8443.evil.example/"}, WrongDomain),
        ({"chain_id": "1"}, WrongChainId),
        ({"nonce": "fedcba9876543210"}, WrongNonce),
        ({"address": OTHER}, WrongAddress),
        ({"issued_at": "2026-03-01T12:02:00Z"}, SignInNotYetValid),
        ({"not_before": "2026-03-01T12:01:00Z"}, SignInNotYetValid),
        ({"expiration_time": "2026-03-01T12:00:30Z"}, SignInExpired),
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
        ("statement", "Grüße"),  # the standard's statement is ASCII
        ("statement", ""),
        ("domain", "counterpart.example\n"),
        ("domain", "https://counterpart.example"),
        ("uri", "https://counterpart.example/\n"),
        ("nonce", "0123-456"),
        ("nonce", "0123456"),
        ("request_id", "a\nb"),
        ("resources", ("https://a.example\n",)),
        ("address", ADDRESS.lower()),
        ("address", ADDRESS.swapcase()),
        ("address", ADDRESS + "\n"),
        ("address", ADDRESS[:-2]),
        ("chain_id", "014"),
        ("chain_id", "0xe"),
        ("chain_id", "-14"),
        ("version", "01"),
        ("issued_at", "yesterday"),
        ("expiration_time", "2026-02-30T12:00:00Z"),
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
        ("Ethereum", "Solana"),
        ("Chain ID: 14\n", ""),
        ("Chain ID: 14\n", "Chain ID: 14\nChain ID: 1\n"),
        ("Chain ID: 14", "Chain ID: 14 "),
        ("console.\n\n", "console.\n"),
        (f"{ADDRESS}\n\n", f"{ADDRESS}\n"),
        (f"{ADDRESS}\n\n", f"{ADDRESS}\n\n\n"),
        ("Expiration Time", "Expiration time"),
        ("Not Before: 2026-03-01T12:00:00Z\nRequest ID: req-7", "Request ID: req-7\nNot Before: 2026-03-01T12:00:00Z"),
        ("terms", "terms\n"),
    ],
    ids=range(11),
)
def test_altered_texts_are_refused(old: str, new: str) -> None:
    """Any text that render would not write is refused."""
    assert TEXT.replace(old, new) != TEXT
    with pytest.raises(SignInUnreadable):
        parse(TEXT.replace(old, new))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever comes, the answer is a message or a refusal."""
    for attempt in (text, TEXT.replace("14", text), TEXT.replace("req-7", text), TEXT.replace(ADDRESS, text)):
        try:
            message = parse(attempt)
        except SignInUnreadable:
            continue
        assert attempt == render(message)


def test_the_digest_is_what_wallets_sign() -> None:
    """A wallet's signature over the text recovers its address from our digest."""
    account = Account.from_key(b"\x07" * 32)
    text = TEXT.replace(ADDRESS, account.address)
    signed = account.sign_message(encode_defunct(text=text))

    assert signed.message_hash == digest(text)
