"""The key service and the envelope on it: the fake and KMS keep one contract."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from infra.local.aws import Aws
from kernel.errors import KeyUnavailable
from kernel.keys.envelope import BlobUnreadable, Envelope, additional_data
from kernel.keys.kms import AwsKms, Kms, WrongContext
from kernel.testing import InMemoryKms

pytestmark = pytest.mark.integration

FOR = {"purpose": "oracle-key", "chain": "14", "address": "0xabc"}
SECRET = b"canary-secret-key"


@dataclass
class Subject:
    kms: Kms
    key_id: str
    other_key_id: str
    disable: Callable[[], None] | None = None

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.kms, self.key_id)


def real(aws: Aws) -> Subject:
    key_id, other = aws.create_kms_key(), aws.create_kms_key()
    return Subject(AwsKms(), key_id, other, lambda: aws.client("kms").disable_key(KeyId=key_id))


@pytest.fixture(params=["fake", "kms"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        return Subject(InMemoryKms(("one", "other")), "one", "other")
    return real(request.getfixturevalue("aws"))


def test_a_data_key_comes_back_under_its_context(subject: Subject) -> None:
    """32 bytes, wrapped and unwrapped; a repr does not show them."""
    key = subject.kms.generate_data_key(subject.key_id, {"a": "1"})

    assert len(key.plaintext) == 32
    assert subject.kms.decrypt(subject.key_id, key.wrapped, {"a": "1"}) == key.plaintext
    assert repr(key.plaintext) not in repr(key)


def test_data_keys_never_repeat(subject: Subject) -> None:
    """One for each blob."""
    assert len({subject.kms.generate_data_key(subject.key_id, {}).plaintext for _ in range(5)}) == 5


def test_a_wrong_context_or_an_altered_key_opens_nothing(subject: Subject) -> None:
    """WrongContext for both."""
    wrapped = subject.kms.generate_data_key(subject.key_id, {"a": "1"}).wrapped
    altered = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for blob, context in ((wrapped, {"a": "2"}), (wrapped, {}), (altered, {"a": "1"})):
        with pytest.raises(WrongContext):
            subject.kms.decrypt(subject.key_id, blob, context)


def test_an_absent_key_is_refused_at_start_with_the_remedy(subject: Subject) -> None:
    """KeyUnavailable names the setting and what to do."""
    absent = Envelope(subject.kms, "11111111-2222-3333-4444-555555555555")
    with pytest.raises(KeyUnavailable, match="COUNTERPART_KMS_KEY_ID"):
        absent.check()
    with pytest.raises(KeyUnavailable):
        absent.seal(SECRET, **FOR)


def test_a_present_key_passes_the_check(subject: Subject) -> None:
    """Nothing is raised."""
    subject.envelope.check()


def test_a_disabled_key_is_refused_at_start(aws: Aws) -> None:
    """It exists, but cannot be used."""
    subject = real(aws)
    assert subject.disable is not None
    subject.disable()
    with pytest.raises(KeyUnavailable):
        subject.envelope.check()


def test_what_is_sealed_can_be_opened(subject: Subject) -> None:
    """By the same triple, also when it is empty or large."""
    for secret in (SECRET, b"", b"x" * 70_000):
        blob = subject.envelope.seal(secret, **FOR)

        assert subject.envelope.open(blob, **FOR) == secret
        assert secret == b"" or secret not in blob


def test_no_two_seals_are_alike(subject: Subject) -> None:
    """A fresh data key and nonce each."""
    assert subject.envelope.seal(SECRET, **FOR) != subject.envelope.seal(SECRET, **FOR)


@pytest.mark.parametrize("part", ["purpose", "chain", "address"])
def test_a_blob_in_another_place_does_not_open(subject: Subject, part: str) -> None:
    """Another purpose, chain or address is refused."""
    blob = subject.envelope.seal(SECRET, **FOR)
    with pytest.raises(WrongContext):
        subject.envelope.open(blob, **FOR | {part: FOR[part] + "x"})


def test_parts_cannot_be_shifted_into_each_other(subject: Subject) -> None:
    """The same characters, divided otherwise."""
    blob = subject.envelope.seal(SECRET, purpose="ab", chain="c", address="d")
    with pytest.raises(WrongContext):
        subject.envelope.open(blob, purpose="a", chain="bc", address="d")

    assert additional_data("ab", "c", "d") != additional_data("a", "bc", "d")


def test_every_flipped_bit_is_noticed(subject: Subject) -> None:
    """Anywhere in the blob: header, wrapped key, nonce, text and tag."""
    blob = subject.envelope.seal(SECRET, **FOR)
    positions = range(len(blob)) if isinstance(subject.kms, InMemoryKms) else range(0, len(blob), 9)
    for position in positions:
        altered = bytearray(blob)
        altered[position] ^= 1 << position % 8
        with pytest.raises((WrongContext, BlobUnreadable, KeyUnavailable)):
            subject.envelope.open(bytes(altered), **FOR)


def test_the_envelopes_own_seal_binds_the_triple_too() -> None:
    """Even a key service that ignored its context would open nothing elsewhere."""

    class Forgetful(InMemoryKms):
        def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
            return super().decrypt(key_id, wrapped, FOR)

    envelope = Envelope(Forgetful(("one",)), "one")
    blob = envelope.seal(SECRET, **FOR)
    with pytest.raises(WrongContext):
        envelope.open(blob, **FOR | {"address": "0xdef"})


@pytest.mark.parametrize("length", [0, 1, 2, 3, 40])
def test_a_cut_blob_is_unreadable(subject: Subject, length: int) -> None:
    """BlobUnreadable, before anybody is asked."""
    blob = subject.envelope.seal(SECRET, **FOR)
    with pytest.raises(BlobUnreadable):
        subject.envelope.open(blob[:length], **FOR)


def test_a_blob_of_a_later_version_is_unreadable(subject: Subject) -> None:
    """Rather than misread."""
    blob = subject.envelope.seal(SECRET, **FOR)
    with pytest.raises(BlobUnreadable):
        subject.envelope.open(b"\x03" + blob[1:], **FOR)
