"""Our webhooks are in the form of Standard Webhooks: octet by octet what its own libraries verify."""

import base64
import hashlib
import hmac
from uuid import UUID

import pytest

from kernel.webhooks import signing

pytestmark = pytest.mark.unit

# The vector that the reference libraries of Standard Webhooks are tested with.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
NAME, TIME_S, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_comes_out() -> None:
    """The same secret, id, time and body have the same signature."""
    assert SIGNATURE == signing.signature(SECRET, NAME, TIME_S, BODY)


def test_the_headers_are_the_published_ones() -> None:
    """With one signature for each secret, the present one first."""
    other = bytes(range(32))
    headers = signing.headers([other, SECRET], NAME, TIME_S, BODY)

    assert (NAME, "1614265330") == (headers["webhook-id"], headers["webhook-timestamp"])
    assert f"{signing.signature(other, NAME, TIME_S, BODY)} {SIGNATURE}" == headers["webhook-signature"]
    assert "application/json" == headers["content-type"]


def test_a_secret_is_shown_as_receivers_configure_it() -> None:
    """Prefix and base64, as the published one is written."""
    assert "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" == signing.shown(SECRET)


def test_a_message_keeps_its_name() -> None:
    """It has no dot, at which the signed text could be cut otherwise."""
    message_id = UUID("0190f0a0-0000-7000-8000-00000000001a")

    assert "msg_0190f0a000007000800000000000001a" == signing.message_name(message_id)


@pytest.mark.parametrize(
    ("name", "time_s", "body"),
    [(NAME + "x", TIME_S, BODY), (NAME, TIME_S + 1, BODY), (NAME, TIME_S, BODY + b" "), (f"{NAME}.1", 614265330, BODY)],
)
def test_nothing_of_what_is_signed_can_be_changed(name: str, time_s: int, body: bytes) -> None:
    """Not the id, nor the time, nor the body, nor the seam between two."""
    assert SIGNATURE != signing.signature(SECRET, name, time_s, body)


def test_a_body_is_signed_as_it_is() -> None:
    """Octets that are no text, too."""
    body = bytes(range(256))
    wanted = hmac.new(SECRET, b"n.7." + body, hashlib.sha256).digest()

    assert f"v1,{base64.b64encode(wanted).decode()}" == signing.signature(SECRET, "n", 7, body)
