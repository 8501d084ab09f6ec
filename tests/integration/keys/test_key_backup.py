"""Backups of the vault: taken and put back without opening a key, and tried by letting each sign."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.key_backup import main
from infra.local.postgres import PostgresServer
from kernel.keys.backup import BackupDiffers, BackupUnreadable, Drilled, KeyBackup, PutBack
from kernel.keys.envelope import Envelope
from kernel.keys.solana import verify_message
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock, InMemoryKms
from tests.chain.keys.forms import found

pytestmark = pytest.mark.integration

EVM, SOLANA, ALIAS = "evm:31337", "solana:localnet", "alias/counterpart"
SEEDS = [bytes([n, 0x5E, 0xED, n]) * 8 for n in range(1, 5)]


@dataclass
class Site:
    """One deployment's database, under a key service that several share."""

    url: str
    kms: InMemoryKms

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.url, role="counterpart_ops")

    @property
    def vault(self) -> Vault:
        return Vault(self.postgres, Envelope(self.kms, ALIAS), FakeClock())

    @property
    def backup(self) -> KeyBackup:
        return KeyBackup(self.postgres, Envelope(self.kms, ALIAS), FakeClock())

    def change(self, statement: str) -> None:
        with Postgres(self.url).transaction() as tx:
            tx.execute(statement)

    def acts(self) -> list[str]:
        with self.postgres.transaction() as tx:
            return [row["action"] for row in tx.all("select action from kernel.audit_log order by seq")]


@pytest.fixture
def site(database_url: str) -> tuple[Site, list[str]]:
    """Four keys: three of wallets on Solana, one of an EVM chain."""
    site = Site(database_url, InMemoryKms(("old", "new"), aliases={ALIAS: "old"}))
    addresses = [site.vault.keep(seed, purpose="contests", chain=SOLANA, actor="a test") for seed in SEEDS[:3]]
    return site, [*addresses, site.vault.keep(SEEDS[3], purpose="treasury", chain=EVM, actor="a test")]


@pytest.fixture
def empty(postgres_server: PostgresServer, site: tuple[Site, list[str]]) -> Iterator[Site]:
    """Another database, as after a loss; the key service is the same."""
    url = postgres_server.create_migrated()
    yield Site(url, site[0].kms)
    postgres_server.drop_database(url)


def test_a_restore_drill(site: tuple[Site, list[str]], empty: Site) -> None:
    """Taken here, put back into an empty database, and there every wallet signs as before. Each step is an act."""
    here, addresses = site
    content = here.backup.take(actor="a test")
    put = empty.backup.put_back(content, actor="a test")

    assert here.backup.drill(content) == Drilled(signed=4, refused=())
    assert put == PutBack(restored=4, present=0)
    for address in addresses[:3]:
        signed = empty.vault.solana_signer(address, purpose="contests", chain=SOLANA).sign_message(b"after the loss")
        verify_message(b"after the loss", signed, address)
    assert len(empty.vault.evm_signer(addresses[3], purpose="treasury", chain=EVM).sign_digest(bytes(32))) > 0
    assert [one.version for one in empty.vault.kept()] == [1] * 4
    assert (here.acts()[-1], empty.acts()) == ("keys.back_up", ["keys.put_back"])


def test_a_backup_holds_no_key_in_clear(site: tuple[Site, list[str]]) -> None:
    """In no form; neither a data key."""
    content = site[0].backup.take(actor="a test")
    blobs = [base64.b64decode(json.loads(one)["blob"]).hex() for one in content.splitlines()[1:-1]]
    places = {"backup": content.decode(), "blobs": " ".join(blobs)}

    assert found([*SEEDS, *site[0].kms.data_keys], places) == []


def test_a_backup_from_before_a_rotation_opens_and_overwrites_nothing(site: tuple[Site, list[str]]) -> None:
    """The earlier wrapping key is still there; the rotated rows are newer, and stay."""
    here, _ = site
    content = here.backup.take(actor="a test")
    here.kms.aliases[ALIAS] = "new"
    here.vault.rotate(10)
    rotated = here.vault.kept()

    assert here.backup.put_back(content, actor="a test") == PutBack(restored=0, present=4)
    assert here.vault.kept() == rotated
    assert here.backup.drill(content).signed == 4


def test_a_key_that_does_not_open_is_named_by_the_drill(site: tuple[Site, list[str]]) -> None:
    """A blob of another row, and rows whose wrapping key is gone."""
    here, addresses = site
    swap = f"select blob from kernel.sealed_keys where address = '{addresses[0]}'"
    here.change(f"update kernel.sealed_keys set blob = ({swap}) where address = '{addresses[1]}'")
    content = here.backup.take(actor="a test")
    swapped = here.backup.drill(content)
    elsewhere = KeyBackup(here.postgres, Envelope(InMemoryKms(("old",)), "old")).drill(content)

    assert swapped == Drilled(3, (f"contests {SOLANA} {addresses[1]}: wrong_key_context",))
    assert (elsewhere.signed, len(elsewhere.refused)) == (0, 4)


def test_a_vault_that_was_changed_is_told_from_its_backup(site: tuple[Site, list[str]]) -> None:
    """Nothing is put back, not even what is absent."""
    here, addresses = site
    content = here.backup.take(actor="a test")
    here.change(f"delete from kernel.sealed_keys where address = '{addresses[0]}'")
    here.change(f"update kernel.sealed_keys set blob = blob || '\\x00' where address = '{addresses[1]}'")
    with pytest.raises(BackupDiffers) as differs:
        here.backup.put_back(content, actor="a test")

    assert differs.value.details["address"] == addresses[1]
    assert len(here.vault.kept()) == 3


def test_what_is_no_whole_backup_is_refused(site: tuple[Site, list[str]]) -> None:
    """Cut off, a line less, a letter changed, something else."""
    backup = site[0].backup
    content = backup.take(actor="a test")
    lines = content.splitlines(keepends=True)
    unfit = [
        b"",
        b"{}",
        content[:-20],
        b"".join(lines[:-1]),
        b"".join([*lines[:1], *lines[2:]]),
        content.replace(b"contests", b"contestx"),
        content + lines[-1],
        b"\xff\xfe" + content,
    ]
    for one in unfit:
        with pytest.raises(BackupUnreadable):
            backup.drill(one)


def test_the_command_takes_tries_and_puts_back(
    site: tuple[Site, list[str]], empty: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is its owner's alone, and is never overwritten; a drill with a refused key ends with 1."""
    here, addresses = site
    file = tmp_path / "keys.jsonl"

    def run(act: str, on: Site = here) -> int:
        return main([act, str(file), "--database-url", on.url, "--kms-key", ALIAS], on.kms)

    assert [run("take"), run("drill"), run("put-back", empty)] == [0, 0, 0]
    assert file.stat().st_mode & 0o777 == 0o600
    told = capsys.readouterr().out
    assert f"4 keys, sealed, are in {file}" in told.replace("\n", "")
    assert "4 keys opened and signed" in told
    assert "4 keys were put back, 0 were there" in told
    with pytest.raises(FileExistsError):
        run("take")
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join(lines[:2]))
    assert run("drill") == 1
    assert addresses[0] not in capsys.readouterr().out
