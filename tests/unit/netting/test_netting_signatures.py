"""What a signature is worth: Solana's strict check, held against what the looser ones let pass."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from functions.netting.adapters.signatures import Claim, are_true, octets_of, text_of
from kernel import base58

pytestmark = pytest.mark.unit
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
MESSAGE = b"an intent"
SIGNATURE = KEY.sign(MESSAGE)
#: The eight points of small order, as they are written, and the ways of writing them that are not canonical.
SMALL = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    (1 << 255).to_bytes(32, "little"),
]
ODD = [number.to_bytes(32, "little") for number in (P, P + 1, P | 1 << 255, 1 | 1 << 255, (P - 1) | 1 << 255)]


def claim(key: bytes = PUBLIC, message: bytes = MESSAGE, signature: bytes = SIGNATURE) -> Claim:
    """A claim, true unless changed."""
    return Claim(base58.encode(key), message, signature)


def openssl_takes(key: bytes, message: bytes, signature: bytes) -> bool:
    """What OpenSSL says."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_claims_are_told_apart() -> None:
    """In their order, each by itself."""
    flipped = bytes([SIGNATURE[0] ^ 1]) + SIGNATURE[1:]

    verdicts = are_true([claim(), claim(message=b"another"), claim(signature=flipped), claim()])

    assert [True, False, False, True] == verdicts


def test_the_scalar_is_below_the_groups_order() -> None:
    """Otherwise every signature could be written a second time, and pass for another one."""
    scalar = int.from_bytes(SIGNATURE[32:], "little")
    again = SIGNATURE[:32] + (scalar + ORDER).to_bytes(32, "little")

    assert [False] == are_true([claim(signature=again)])


@pytest.mark.parametrize("key", [*SMALL, *ODD], ids=bytes.hex)
def test_a_key_of_small_order_has_signed_nothing(key: bytes) -> None:
    """With each such point as R and 0 as the scalar, for so many messages that some solve the equation."""
    claims = [
        claim(key, hashlib.sha256(bytes([number])).digest(), point + bytes(32))
        for number in range(16)
        for point in SMALL
    ]

    assert not any(are_true(claims))


def test_a_looser_check_would_let_a_small_key_pass() -> None:
    """So the vectors above attack something."""
    forged = [
        (key, number.to_bytes(2, "big"), point + bytes(32)) for key in SMALL for point in SMALL for number in range(8)
    ]

    assert any(openssl_takes(*one) for one in forged)


def test_a_signature_whose_point_is_of_small_order_is_none() -> None:
    """The signer himself can make one that solves the equation, under which two messages could share a signature."""
    seed = hashlib.sha512(bytes(range(32))).digest()
    secret = int.from_bytes(seed[:32], "little") & ((1 << 254) - 8) | 1 << 254
    point = SMALL[1]  # the identity: then the scalar is the challenge times the secret
    challenge = int.from_bytes(hashlib.sha512(point + PUBLIC + MESSAGE).digest(), "little") % ORDER
    signature = point + (challenge * secret % ORDER).to_bytes(32, "little")

    assert openssl_takes(PUBLIC, MESSAGE, signature)
    assert [False] == are_true([claim(signature=signature)])


@pytest.mark.parametrize("text", ["", "0OIl", "1" * 31, "1" * 45, "ü" * 32])
def test_what_is_no_key_has_signed_nothing(text: str) -> None:
    """It is a false claim, no failure."""
    assert [False] == are_true([Claim(text, MESSAGE, SIGNATURE)])


@pytest.mark.parametrize("octets", [b"", SIGNATURE[:63], SIGNATURE + b"\0"])
def test_what_is_no_signature_is_worth_nothing(octets: bytes) -> None:
    """64 bytes, no more and no less."""
    assert [False] == are_true([claim(signature=octets)])


def test_a_signature_is_written_and_read() -> None:
    """In base58, in the one way there is."""
    assert SIGNATURE == octets_of(text_of(SIGNATURE))


@pytest.mark.parametrize("text", ["", "0OIl", text_of(SIGNATURE[:63]), text_of(SIGNATURE + SIGNATURE)])
def test_what_is_no_signature_is_nobodys(text: str) -> None:
    """It is as good as a forged one."""
    assert b"" == octets_of(text)
    assert [False] == are_true([claim(signature=octets_of(text))])
