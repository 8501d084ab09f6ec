"""The vault: keys at rest, and the rotation of the key that wraps them while they are in use."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
import pytest

from infra.local.aws import Aws
from kernel.audit import Audit
from kernel.errors import Invalid, KeyUnavailable
from kernel.evm.transactions import recovered_address
from kernel.keys.envelope import Envelope
from kernel.keys.evm import SigningKeyInvalid, seal_key
from kernel.keys.kms import AwsKms, DataKey, WrongContext
from kernel.keys.solana import SolanaKeyInvalid, verify_message
from kernel.keys.vault import KeyNotKept, ResealingFailed, Rotated, Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock, InMemoryKms

pytestmark = pytest.mark.integration

EVM, SOLANA = "evm:31337", "solana:localnet"
DIGEST = bytes(range(32))


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@dataclass
class Scene:
    """Two wrapping keys behind one alias: to rotate is to move the alias."""

    url: str
    kms: InMemoryKms

    def vault(self, kms: InMemoryKms | None = None) -> Vault:
        return Vault(self.postgres(), Envelope(kms or self.kms, "alias/counterpart"), FakeClock())

    def postgres(self, role: str | None = "counterpart_ops") -> Postgres:
        return Postgres(self.url, role=role)

    def move_on(self) -> None:
        self.kms.aliases["alias/counterpart"] = "new"

    def wrapping(self) -> list[tuple[str, int]]:
        return [(kept.kms_key_id.rpartition("/")[2], kept.version) for kept in self.vault().kept()]


@pytest.fixture
def scene(database_url: str) -> Scene:
    return Scene(database_url, InMemoryKms(("old", "new"), aliases={"alias/counterpart": "old"}))


def test_what_is_kept_signs(scene: Scene) -> None:
    """An EVM key and a Solana seed, each under the address it signs for; keeping one again changes nothing."""
    vault = scene.vault()
    evm = vault.keep(key(7), actor="a test", purpose="treasury", chain=EVM)
    solana = vault.keep(key(8), actor="a test", purpose="treasury", chain=SOLANA)
    first = scene.vault().kept()

    assert vault.keep(key(7), actor="a test", purpose="treasury", chain=EVM) == evm
    assert scene.vault().kept() == first
    signature = vault.evm_signer(evm.lower(), purpose="treasury", chain=EVM).sign_digest(DIGEST)
    assert recovered_address(DIGEST, signature) == evm
    signed = vault.solana_signer(solana, purpose="treasury", chain=SOLANA).sign_message(b"message")
    verify_message(b"message", signed, solana)


def test_what_is_no_key_is_not_kept(scene: Scene) -> None:
    """A wrong length, zero, a chain that nobody knows."""
    vault = scene.vault()
    for wrong, chain, refusal in (
        (bytes(32), EVM, SigningKeyInvalid),
        (key(7)[:31], EVM, SigningKeyInvalid),
        (key(7) * 2, SOLANA, SolanaKeyInvalid),
        (key(7), "31337", Invalid),
        (key(7), "solana:localnet:x", Invalid),
    ):
        with pytest.raises(refusal):
            vault.keep(wrong, actor="a test", purpose="treasury", chain=chain)

    assert vault.kept() == []


def test_a_key_that_is_not_kept_is_named(scene: Scene) -> None:
    """Purpose, chain and address; a key kept for another purpose is none."""
    vault = scene.vault()
    address = vault.keep(key(7), actor="a test", purpose="treasury", chain=EVM)
    for purpose, chain in (("oracle", EVM), ("treasury", "evm:1")):
        with pytest.raises(KeyNotKept) as refused:
            vault.evm_signer(address, purpose=purpose, chain=chain).sign_digest(DIGEST)

        assert {"purpose": purpose, "chain": chain, "address": address} == refused.value.details


def test_a_blob_swapped_between_rows_opens_nowhere(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Not for a signature, and not in a rotation, which alarms it and goes on with the others."""
    vault = scene.vault()
    addresses = [vault.keep(key(number), actor="a test", purpose="treasury", chain=EVM) for number in (1, 2, 3)]
    with scene.postgres(role=None).transaction() as tx:
        stolen = "select blob from kernel.sealed_keys where address = %(victim)s"
        tx.execute(
            f"update kernel.sealed_keys set blob = ({stolen}) where address = %(thief)s",
            victim=addresses[0],
            thief=addresses[1],
        )
    with pytest.raises(WrongContext):
        vault.evm_signer(addresses[1], purpose="treasury", chain=EVM).sign_digest(DIGEST)
    scene.move_on()

    assert vault.rotate(10) == Rotated(done=2, refused=1, left=1)
    assert [addresses[1]] == [getattr(record, "address", None) for record in caplog.records if hasattr(record, "alarm")]


def test_rotation_takes_a_bounded_step(scene: Scene) -> None:
    """So many an invocation, until none is left; what is under the present key already is left alone."""
    vault = scene.vault()
    for number in range(1, 6):
        vault.keep(key(number), actor="a test", purpose="treasury", chain=EVM)
    before = vault.rotate(3)
    scene.move_on()
    vault.keep(key(6), actor="a test", purpose="treasury", chain=EVM)
    steps = [vault.rotate(3), vault.rotate(3), vault.rotate(3)]

    assert before == Rotated(done=0, refused=0, left=0)
    assert steps == [
        Rotated(done=3, refused=0, left=2),
        Rotated(done=2, refused=0, left=0),
        Rotated(done=0, refused=0, left=0),
    ]
    assert sorted(scene.wrapping()) == [("new", 1), *[("new", 2)] * 5]


def test_more_refused_rows_than_a_page_do_not_hold_up_the_others(scene: Scene) -> None:
    """The walk goes on behind them, in the order of the primary key."""
    vault = scene.vault()
    for number in range(1, 46):
        vault.keep(key(number), actor="a test", purpose="treasury" if number > 42 else "broken", chain=EVM)
    with scene.postgres(role=None).transaction() as tx:
        tx.execute("update kernel.sealed_keys set blob = decode(repeat('00', 100), 'hex') where purpose = 'broken'")
    scene.move_on()

    assert vault.rotate(2) == Rotated(done=2, refused=42, left=43)
    assert vault.rotate(2) == Rotated(done=1, refused=42, left=42)


def test_signers_never_notice_a_rotation(scene: Scene) -> None:
    """Threads sign all the while, with signers made before it; afterwards the old wrapping key is not needed."""
    vault = scene.vault()
    addresses = [vault.keep(key(number), actor="a test", purpose="treasury", chain=EVM) for number in range(1, 9)]
    ready, over = threading.Barrier(4), threading.Event()
    signed: list[int] = []
    failures: list[BaseException] = []

    def sign() -> None:
        own = scene.vault()
        signers = [own.evm_signer(address, purpose="treasury", chain=EVM) for address in addresses]
        count = 0
        try:
            ready.wait(30)
            while not over.is_set() or count < len(signers):
                signer = signers[count % len(signers)]
                assert recovered_address(DIGEST, signer.sign_digest(DIGEST)) == signer.address
                count += 1
        except BaseException as failure:
            failures.append(failure)
        signed.append(count)

    threads = [threading.Thread(target=sign) for _ in range(3)]
    for thread in threads:
        thread.start()
    scene.move_on()
    ready.wait(30)
    while vault.rotate(2).left:
        pass
    over.set()
    for thread in threads:
        thread.join(30)
    scene.kms.disable("old")

    assert failures == []
    assert len(signed) == 3
    assert min(signed) >= len(addresses)
    assert {("new", 2)} == set(scene.wrapping())
    signer = vault.evm_signer(addresses[0], purpose="treasury", chain=EVM)
    assert recovered_address(DIGEST, signer.sign_digest(DIGEST)) == addresses[0]


def test_a_signer_made_before_a_rotation_outlives_the_old_key(scene: Scene) -> None:
    """It reads the row for each signature, so it never needs a key that was disabled after the rotation."""
    address = scene.vault().keep(key(1), actor="a test", purpose="treasury", chain=EVM)
    signer = scene.vault().evm_signer(address, purpose="treasury", chain=EVM)
    before = signer.sign_digest(DIGEST)
    scene.move_on()
    scene.vault().rotate(10)
    scene.kms.disable("old")

    assert signer.sign_digest(DIGEST) == before


def test_two_rotations_at_once_lose_nothing(scene: Scene) -> None:
    """Each row is moved once: whoever comes second finds another version and steps back."""
    vault = scene.vault()
    addresses = [vault.keep(key(number), actor="a test", purpose="treasury", chain=EVM) for number in range(1, 13)]
    scene.move_on()
    ready = threading.Barrier(3)
    moved: list[int] = []

    def rotate() -> None:
        own = scene.vault()
        ready.wait(30)
        moved.append(own.rotate(100).done)

    threads = [threading.Thread(target=rotate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(moved) == len(addresses)
    assert {("new", 2)} == set(scene.wrapping())


def test_sealing_and_rotating_are_acts_of_their_own_transactions(scene: Scene) -> None:
    """Who sealed what, and which wrapping key it went under; what changed nothing is no act."""
    vault = scene.vault()
    address = vault.keep(key(7), actor="ada", purpose="treasury", chain=EVM)
    vault.keep(key(7), actor="bob", purpose="treasury", chain=EVM)
    scene.move_on()
    vault.rotate(10)
    vault.rotate(10)
    acts = Audit(scene.postgres()).newest()

    subject = f"key:treasury:{EVM}:{address}"
    assert [("vault", "keys.reseal", subject), ("ada", "keys.seal", subject)] == [
        (act.actor, act.action, act.subject) for act in acts
    ]
    old, new = "arn:test:kms:key/old", "arn:test:kms:key/new"
    assert [{"kms_key_id": new, "was": old}, {"kms_key_id": old}] == [json.loads(act.details) for act in acts]


class DyingKms(InMemoryKms):
    """Dies in the middle: the n-th call from now on ends the process's work."""

    calls_left = 1_000_000

    def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
        self._count()
        return super().generate_data_key(key_id, context)

    def decrypt(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self._count()
        return super().decrypt(key_id, wrapped, context)

    def _count(self) -> None:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise SystemExit("the process died")


@pytest.mark.parametrize("survived", range(10))
def test_a_rotation_that_dies_is_resumed(database_url: str, survived: int) -> None:
    """At any call to the key service: every key still signs, and the next rotation moves what is left."""
    kms = DyingKms(("old", "new"), aliases={"alias/counterpart": "old"})
    scene = Scene(database_url, kms)
    addresses = [scene.vault().keep(key(number), actor="a test", purpose="treasury", chain=EVM) for number in (1, 2, 3)]
    scene.move_on()
    kms.calls_left = survived
    died = survived < 9  # each row is opened, sealed, opened
    try:
        scene.vault().rotate(10)
        finished = True
    except SystemExit:
        finished = False
    kms.calls_left = 1_000_000

    assert finished is not died
    for address in addresses:
        signer = scene.vault().evm_signer(address, purpose="treasury", chain=EVM)
        assert recovered_address(DIGEST, signer.sign_digest(DIGEST)) == address
    assert scene.vault().rotate(10) == Rotated(done=3 - min(survived // 3, 3), refused=0, left=0)


def test_a_concurrent_change_is_not_lost(scene: Scene) -> None:
    """The row changed between reading and writing: the change stands, and the rotation moved nothing."""
    postgres = scene.postgres(role=None)

    class Overtaken(InMemoryKms):
        def generate_data_key(self, key_id: str, context: Mapping[str, str]) -> DataKey:
            if key_id == "alias/counterpart" and self.aliases[key_id] == "new":
                with postgres.transaction() as tx:
                    tx.execute("update kernel.sealed_keys set version = version + 1")
            return super().generate_data_key(key_id, context)

    kms = Overtaken(("old", "new"), aliases={"alias/counterpart": "old"})
    scene.kms = kms
    scene.vault().keep(key(1), actor="a test", purpose="treasury", chain=EVM)
    scene.move_on()

    assert scene.vault().rotate(10) == Rotated(done=0, refused=0, left=1)
    assert [("old", 2)] == scene.wrapping()


def test_a_blob_that_does_not_open_as_the_same_key_replaces_nothing(scene: Scene) -> None:
    """The new blob is opened and compared before the old one goes."""

    class Corrupting(Envelope):
        def seal(self, plaintext: bytes, *, purpose: str, chain: str, address: str) -> bytes:
            return super().seal(plaintext[::-1], purpose=purpose, chain=chain, address=address)

    scene.vault().keep(key(1), actor="a test", purpose="treasury", chain=EVM)
    scene.move_on()
    vault = Vault(scene.postgres(), Corrupting(scene.kms, "alias/counterpart"))
    with pytest.raises(ResealingFailed):
        vault.rotate(10)

    assert [("old", 1)] == scene.wrapping()


def test_a_slice_may_read_a_sealed_key_and_nothing_else(scene: Scene) -> None:
    """It neither adds nor changes nor removes one; and ops changes it through the rotation only."""
    scene.vault().keep(key(1), actor="a test", purpose="treasury", chain=EVM)
    attempts = {
        "counterpart_oracle": [
            "insert into kernel.sealed_keys select * from kernel.sealed_keys",
            "select kernel.reseal_key('treasury', 'evm:31337', '', 1, '', '', now())",
        ],
        "counterpart_ops": ["update kernel.sealed_keys set version = 2", "delete from kernel.sealed_keys"],
    }
    for role, statements in attempts.items():
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), scene.postgres(role).transaction() as tx:
                tx.execute(statement)

    with scene.postgres("counterpart_oracle").transaction() as tx:
        assert tx.one("select count(*) as kept from kernel.sealed_keys") == {"kept": 1}


def test_keys_rotate_under_kms(database_url: str, aws: Aws) -> None:
    """The same with real KMS keys: the old one is disabled once nothing is left under it."""
    old, new = aws.create_kms_key(), aws.create_kms_key()
    client = aws.client("kms")
    client.create_alias(AliasName="alias/counterpart", TargetKeyId=old)
    vault = Vault(Postgres(database_url, role="counterpart_ops"), Envelope(AwsKms(), "alias/counterpart"))
    address = vault.keep(key(5), actor="a test", purpose="treasury", chain=EVM)
    signer = vault.evm_signer(address, purpose="treasury", chain=EVM)
    client.update_alias(AliasName="alias/counterpart", TargetKeyId=new)
    between = signer.sign_digest(DIGEST)
    rotated = vault.rotate(10)
    client.disable_key(KeyId=old)

    assert rotated == Rotated(done=1, refused=0, left=0)
    assert vault.kept()[0].kms_key_id.endswith(new)
    assert between == signer.sign_digest(DIGEST)


def test_an_old_blob_needs_the_key_that_wrapped_it(scene: Scene) -> None:
    """Disabled too early, it is refused with the key's name; enabled again nothing is lost."""
    envelope = Envelope(scene.kms, "alias/counterpart")
    address, blob = seal_key(envelope, key(1), purpose="treasury", chain=EVM)
    scene.move_on()

    assert key(1) == envelope.open(blob, purpose="treasury", chain=EVM, address=address)
    scene.kms.disable("old")
    with pytest.raises(KeyUnavailable) as refused:
        envelope.open(blob, purpose="treasury", chain=EVM, address=address)
    assert str(refused.value.details["key_id"]).endswith("old")
