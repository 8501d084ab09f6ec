"""Who a delivery comes from: genuine ones pass, and everything that a forger can try does not."""

import hashlib
import hmac
from collections.abc import Sequence

import pytest

from functions.ops.core.hooks.signatures import WINDOW_S, Sent, Verdict, of_alchemy, of_helius, of_quicknode

pytestmark = pytest.mark.unit

KEY, OLD, OTHER = b"whsec_present", b"whsec_before", b"whsec_of-somebody-else"
BODY = '{"price":"1 €"}'.encode()
NOW_S = 1_795_176_000.0


def digest(message: bytes, key: bytes = KEY) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def alchemy(signature: str, body: bytes = BODY, keys: Sequence[bytes] = (KEY, OLD)) -> Verdict:
    return of_alchemy(Sent(body=body, headers={"x-alchemy-signature": signature}, now_s=NOW_S), keys)


def quicknode(nonce: str, time: str, signature: str, body: bytes = BODY, now_s: float = NOW_S) -> Verdict:
    headers = {"x-qn-nonce": nonce, "x-qn-timestamp": time, "x-qn-signature": signature}
    return of_quicknode(Sent(body=body, headers=headers, now_s=now_s), (KEY, OLD))


def helius(secret: str | None, keys: Sequence[bytes] = (KEY, OLD)) -> Verdict:
    headers = {} if secret is None else {"authorization": secret}
    return of_helius(Sent(body=BODY, headers=headers, now_s=NOW_S), keys)


@pytest.mark.parametrize("key", [KEY, OLD])
def test_each_secret_in_use_proves_a_delivery(key: bytes) -> None:
    """The present one, and the one before it while it is being replaced."""
    time = str(int(NOW_S))

    assert alchemy(digest(BODY, key)) is Verdict.GENUINE
    assert quicknode("n", time, digest(b"n" + time.encode() + BODY, key)) is Verdict.GENUINE
    assert helius(key.decode()) is Verdict.GENUINE


def test_what_another_secret_signed_is_forged() -> None:
    """However well it is made."""
    time = str(int(NOW_S))

    assert alchemy(digest(BODY, OTHER)) is Verdict.FORGED
    assert quicknode("n", time, digest(b"n" + time.encode() + BODY, OTHER)) is Verdict.FORGED
    assert helius(OTHER.decode()) is Verdict.FORGED


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b":", b": "), BODY[:-1], b"", BODY.replace(b"1", b"2")])
def test_one_octet_of_the_body_breaks_the_signature(body: bytes) -> None:
    """The octets are signed and not what they mean: the same JSON written another way is another body."""
    time = str(int(NOW_S))

    assert alchemy(digest(BODY), body) is Verdict.FORGED
    assert quicknode("n", time, digest(b"n" + time.encode() + BODY), body) is Verdict.FORGED


@pytest.mark.parametrize("signature", ["", " ", "0" * 64, digest(BODY)[:-1], digest(BODY) + ",", digest(BODY).upper()])
def test_a_signature_is_all_of_it_or_nothing(signature: str) -> None:
    """Missing, cut short, lengthened, or two headers that API Gateway joined by a comma."""
    assert alchemy(signature) is Verdict.FORGED


@pytest.mark.parametrize(
    "secret", [None, "", " ", KEY.decode()[:-1], f"{KEY.decode()} ", "ÿ€", f"Bearer {KEY.decode()}"]
)
def test_a_shared_secret_is_all_of_it_or_nothing(secret: str | None) -> None:
    """Also one of characters that no header can carry."""
    assert helius(secret) is Verdict.FORGED


def test_without_a_secret_nothing_is_genuine() -> None:
    """Not even what is signed with nothing."""
    assert alchemy(digest(BODY, b""), keys=()) is Verdict.FORGED
    assert helius("", keys=()) is Verdict.FORGED


@pytest.mark.parametrize(
    ("age_s", "verdict"),
    [
        (0, Verdict.GENUINE),
        (WINDOW_S, Verdict.GENUINE),
        (WINDOW_S + 1, Verdict.STALE),
        (-WINDOW_S, Verdict.GENUINE),
        (-WINDOW_S - 1, Verdict.STALE),
    ],
)
def test_a_signed_time_is_good_for_five_minutes(age_s: int, verdict: Verdict) -> None:
    """Before and after ours, since clocks differ."""
    time = str(int(NOW_S) - age_s)

    assert quicknode("n", time, digest(b"n" + time.encode() + BODY)) is verdict


def test_a_delivery_that_was_kept_back_cannot_be_given_a_new_time() -> None:
    """The time is signed."""
    old, young = str(int(NOW_S) - 86_400), str(int(NOW_S))

    assert quicknode("n", young, digest(b"n" + old.encode() + BODY)) is Verdict.FORGED


@pytest.mark.parametrize(
    ("nonce", "time", "body"),
    [
        ("abc17", "95089600", BODY),  # digits of the time moved into the nonce
        ("ab", "c1795089600", BODY),  # and the other way round
        ("", "abc1795089600", BODY),
        ("abc1795089600", "", BODY),
        ("abc", "1795089600{"[:11], BODY[1:]),
        ("abc1", "795089600" + "1", BODY[1:]),
    ],
)
def test_the_seam_between_nonce_time_and_body_cannot_be_moved(nonce: str, time: str, body: bytes) -> None:
    """The signed text is one run of characters; another division of it would make an old delivery young."""
    signature = digest(b"abc1795089600" + BODY)

    assert quicknode(nonce, time, signature, body) is Verdict.FORGED


def test_digits_that_begin_a_body_are_no_part_of_a_time() -> None:
    """A body that begins with digits would let the time grow into it: no payload does."""
    body, time = b"5" + BODY, str(int(NOW_S))

    assert quicknode("n", time, digest(b"n" + time.encode() + body), body) is Verdict.FORGED


def test_digits_of_a_nonce_are_no_part_of_a_time() -> None:
    """Ten of them that are our time now, before the time that was signed, make no young delivery."""
    signature = digest(f"{int(NOW_S)}1600000000".encode() + BODY)

    assert quicknode(f"{int(NOW_S)}"[:-1], f"{int(NOW_S)}"[-1:] + "1600000000", signature) is Verdict.FORGED
    assert quicknode(f"{int(NOW_S)}", "1600000000", signature) is Verdict.STALE


@pytest.mark.parametrize(
    "time", ["", "now", "-1795176000", "+179517600", "1795176000.0", "01795176000", "１７９５１７６０００"]
)
def test_a_time_is_ten_digits(time: str) -> None:
    """And nothing that a lenient reader would take for a number."""
    signature = digest(("n" + time).encode("latin-1", errors="replace") + BODY)

    assert quicknode("n", time, signature) is Verdict.FORGED
