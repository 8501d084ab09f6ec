"""Custody's mistakes of earlier systems, each made on purpose: it comes to nothing, or is found out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.contests.wiring import ROLE, WALLETS_ROLE
from kernel.keys.envelope import Envelope
from kernel.keys.kms import WrongContext
from kernel.keys.solana import verify_message
from kernel.keys.vault import Rotated, Vault
from kernel.postgres import Postgres
from kernel.testing import InMemoryKms
from kernel.testing.kernel import KEY_ID
from tests.chain.keys.forms import found
from tests.handlers.contests.custody import CHAIN, Custody

pytestmark = pytest.mark.integration


@dataclass
class Strong:
    """Wallets of contests, and the vault that their keys are in."""

    custody: Custody
    wallets: list[str]

    def sign(self, address: str) -> bytes:
        """A signature of a wallet's."""
        return self.custody.deps(WALLETS_ROLE).signer_of(address).sign_message(b"a message")


@pytest.fixture
def strong(database_url: str) -> Iterator[Strong]:
    """Three wallets."""
    kms = InMemoryKms((KEY_ID, "new-key"))
    with Custody.open(database_url, wallets_free=3, kms=kms) as (custody, _):
        custody.generate()
        rows = custody.rows("select address from contests.contest_wallets order by number")
        yield Strong(custody, [row["address"] for row in rows])


def test_ciphertexts_cannot_be_swapped_between_wallets(strong: Strong) -> None:
    """The additional data is the wallet's own address: neither of the two signs any more, and the third still does."""
    thief, victim, other = strong.wallets
    swap = """update kernel.sealed_keys a set blob = b.blob from kernel.sealed_keys b
              where (a.address, b.address) in ((%(one)s, %(two)s), (%(two)s, %(one)s))"""
    strong.custody.change(swap, one=thief, two=victim)

    for address in (thief, victim):
        with pytest.raises(WrongContext):
            strong.sign(address)
    verify_message(b"a message", strong.sign(other), other)


def test_a_key_of_a_wallet_opens_for_no_other_purpose(strong: Strong) -> None:
    """Nor on another cluster: a row that is copied there stays shut."""
    [wallet, *_] = strong.wallets
    copy = """insert into kernel.sealed_keys (purpose, chain, address, blob, kms_key_id, sealed_at)
              select %(purpose)s, %(chain)s, address, blob, kms_key_id, sealed_at from kernel.sealed_keys
              where address = %(address)s and purpose = 'contests' and chain = 'solana:localnet'"""
    for purpose, chain in (("treasury", CHAIN), ("contests", "solana:mainnet")):
        strong.custody.change(copy, purpose=purpose, chain=chain, address=wallet)
        signer = strong.custody.vault.solana_signer(wallet, purpose=purpose, chain=chain)
        with pytest.raises(WrongContext):
            signer.sign_message(b"a message")


def test_no_key_is_written_to_a_disk_in_clear(strong: Strong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making, finding and giving away wallets leaves no file, and nothing readable in the database's own files."""
    monkeypatch.chdir(tmp_path)
    strong.custody.fill_pool()
    strong.custody.announce()
    strong.custody.assign()
    envelope = strong.custody.kernels[ROLE].envelope
    rows = strong.custody.rows(
        "select purpose, chain, address, blob from kernel.sealed_keys where purpose = 'contests'"
    )
    keys = [envelope.open(bytes(row.pop("blob")), **row) for row in rows]
    owner = Postgres(strong.custody._url)
    with owner.transaction() as tx:
        stored = {"blobs": " ".join(row["blob"].hex() for row in tx.all("select blob from kernel.sealed_keys"))}
    owner.close()

    assert len(keys) == 7
    assert found(keys, stored) == []
    assert list(tmp_path.iterdir()) == []


def test_wallets_sign_while_their_keys_are_rotated(strong: Strong) -> None:
    """A signer that was made before goes on after, whatever is moved in between."""
    signers = [strong.custody.deps(WALLETS_ROLE).signer_of(address) for address in strong.wallets]
    kms = strong.custody.kernels[ROLE].key_service
    owner = Postgres(strong.custody._url, role="counterpart_ops")
    vault = Vault(owner, Envelope(kms, "new-key"), strong.custody.clock)
    steps = []
    for _ in range(4):
        steps.append(vault.rotate(1))
        for signer, address in zip(signers, strong.wallets, strict=True):
            verify_message(b"a message", signer.sign_message(b"a message"), address)
    owner.close()

    assert steps == [Rotated(done=1, refused=0, left=left) for left in (3, 2, 1, 0)]
    assert {row["n"] for row in strong.custody.rows("select version as n from kernel.sealed_keys")} == {2}
