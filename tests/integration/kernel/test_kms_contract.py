"""The key service, and the envelope and the signers on it: the fake and KMS keep one contract."""

import base64
import logging
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from eth_account import Account
from eth_account.messages import encode_defunct

from infra.local.aws import Aws
from kernel.errors import KeyUnavailable
from kernel.evm.transactions import SECP256K1_ORDER, recovered_address
from kernel.hashes import keccak256
from kernel.keys.envelope import BlobUnreadable, Envelope, additional_data, wrapping_key
from kernel.keys.evm import KmsSigner
from kernel.keys.kms import AwsKms, KeyServiceUnavailable, SigningAlgorithm, SigningKeyUnavailable, WrongContext
from kernel.testing import InMemoryKms

pytestmark = pytest.mark.integration

FOR = {"purpose": "oracle-key", "chain": "14", "address": "0xabc"}
SECRET = b"canary-secret-key"
NO_PATIENCE = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


@dataclass
class Subject:
    kms: AwsKms | InMemoryKms
    key_id: str
    other_key_id: str
    signing_key_id: str
    alias: Callable[[str], None]
    disable: Callable[[str], None]

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.kms, self.key_id)


ALIAS = "alias/contract"


def real(aws: Aws) -> Subject:
    client = aws.client("kms")

    def alias(key_id: str) -> None:
        known = any(entry["AliasName"] == ALIAS for entry in client.list_aliases()["Aliases"])
        (client.update_alias if known else client.create_alias)(AliasName=ALIAS, TargetKeyId=key_id)

    keys = aws.create_kms_key(), aws.create_kms_key(), aws.create_signing_key()
    return Subject(AwsKms(), *keys, alias, lambda key_id: client.disable_key(KeyId=key_id))


def fake() -> Subject:
    kms = InMemoryKms(("one", "other"), signing_key_ids=("wallet",))

    def alias(key_id: str) -> None:
        kms.aliases[ALIAS] = key_id

    return Subject(kms, "one", "other", "wallet", alias, kms.disable)


@pytest.fixture(params=["fake", "kms"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return fake() if request.param == "fake" else real(request.getfixturevalue("aws"))


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


def test_a_disabled_key_is_refused_at_start(subject: Subject) -> None:
    """It exists, but cannot be used."""
    subject.disable(subject.key_id)
    with pytest.raises(KeyUnavailable):
        subject.envelope.check()


def test_a_data_key_names_the_key_that_wrapped_it(subject: Subject) -> None:
    """Its own id, which is that of the check, also where an alias was asked for."""
    subject.alias(subject.key_id)
    by_alias, by_id = (subject.kms.generate_data_key(name, {}) for name in (ALIAS, subject.key_id))

    assert {by_alias.key_id} == {by_id.key_id, subject.kms.check(ALIAS), subject.kms.check(subject.key_id)}
    assert subject.kms.check(subject.other_key_id) != by_id.key_id


def test_a_blob_opens_after_the_alias_has_moved(subject: Subject) -> None:
    """It names the key that wrapped it; what is sealed from now on names the other."""
    subject.alias(subject.key_id)
    envelope = Envelope(subject.kms, ALIAS)
    before = envelope.seal(SECRET, **FOR)
    subject.alias(subject.other_key_id)
    after = envelope.seal(SECRET, **FOR)

    assert (envelope.open(before, **FOR), envelope.open(after, **FOR)) == (SECRET, SECRET)
    assert wrapping_key(before) == subject.kms.check(subject.key_id)
    assert wrapping_key(after) == subject.kms.check(subject.other_key_id)


def test_a_blob_of_the_first_version_still_opens(subject: Subject) -> None:
    """It has no key's name, and opens under the present key."""
    key = subject.kms.generate_data_key(subject.key_id, FOR)
    nonce = bytes(12)
    sealed = AESGCM(key.plaintext).encrypt(nonce, SECRET, additional_data(**FOR))
    blob = struct.pack(">BH", 1, len(key.wrapped)) + key.wrapped + nonce + sealed

    assert subject.envelope.open(blob, **FOR) == SECRET
    assert wrapping_key(blob) is None


def test_a_signing_key_signs_digests_as_they_are(subject: Subject) -> None:
    """ECDSA in DER over the very digest, under the public key that the service tells."""
    public_key = load_der_public_key(subject.kms.public_key(subject.signing_key_id))
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    digest = bytes(range(32))
    signature = subject.kms.sign(subject.signing_key_id, digest, SigningAlgorithm.SECP256K1)

    public_key.verify(signature, digest, ec.ECDSA(Prehashed(SHA256())))
    assert public_key.curve.name == "secp256k1"


def test_signers_of_the_service_are_believed_by_contracts(subject: Subject) -> None:
    """Each signature recovers to the address, with s in the lower half; by coincurve and by eth_account."""
    signer = KmsSigner(subject.kms, subject.signing_key_id)
    for number in range(8):
        message = encode_defunct(bytes([number]) * 5)
        digest = keccak256(b"\x19" + message.version + message.header + message.body)
        signature = signer.sign_digest(digest)

        assert recovered_address(digest, signature) == signer.address
        assert Account.recover_message(message, (signature.v, signature.r, signature.s)) == signer.address
        assert signature.s <= SECP256K1_ORDER // 2


@pytest.mark.parametrize("which", ["absent", "disabled", "a wrapping key", "another algorithm"])
def test_a_key_that_cannot_sign_is_refused_with_the_remedy(subject: Subject, which: str) -> None:
    """SigningKeyUnavailable names the key and says what to allow."""
    absent = "11111111-2222-3333-4444-555555555555"
    key_id = {"absent": absent, "a wrapping key": subject.key_id}.get(which, subject.signing_key_id)
    if which == "disabled":
        subject.disable(key_id)
    algorithm = SigningAlgorithm.ED25519 if which == "another algorithm" else SigningAlgorithm.SECP256K1
    with pytest.raises(SigningKeyUnavailable, match="kms:Sign") as refused:
        subject.kms.sign(key_id, bytes(32), algorithm)

    assert refused.value.details["key_id"] == key_id


def test_a_key_service_that_is_away_is_waited_for() -> None:
    """Transient, for every operation."""
    session = boto3.session.Session("local", "local", region_name="eu-central-1")
    kms = AwsKms(session.client("kms", endpoint_url="http://127.0.0.1:9", config=NO_PATIENCE))
    for ask in (
        lambda: kms.check("key"),
        lambda: kms.generate_data_key("key", {}),
        lambda: kms.decrypt("key", b"1", {}),
        lambda: kms.public_key("key"),
        lambda: kms.sign("key", bytes(32), SigningAlgorithm.SECP256K1),
    ):
        with pytest.raises(KeyServiceUnavailable):
            ask()


def test_what_the_service_answers_is_in_no_log(subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG boto3 writes every answer down; those of the key service it does not, and all others it still does."""
    caplog.set_level(logging.DEBUG)
    key = subject.kms.generate_data_key(subject.key_id, {})
    subject.kms.decrypt(subject.key_id, key.wrapped, {})
    logging.getLogger("botocore.parsers").debug("of another service")

    assert base64.b64encode(key.plaintext).decode() not in caplog.text
    assert "of another service" in caplog.text


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
