"""The operator's command that takes over wallets of the earlier form."""

import base64
import json
import os
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from functions.contests.wiring import WALLETS_ROLE
from infra.local.legacy_wallets import main
from kernel import base58
from kernel.keys.envelope import Envelope
from kernel.keys.kms import Kms
from kernel.keys.solana import LocalSolanaSigner, verify_message
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import InMemoryKms

pytestmark = pytest.mark.integration

KEY = bytes(range(32))
SEEDS = [bytes([n, 0x5E, 0xED, n]) * 8 for n in (1, 2, 3)]
ADDRESSES = [LocalSolanaSigner(seed).address for seed in SEEDS]
Run = Callable[..., int]


def line(seed: bytes, address: str | None = None, *, key: bytes = KEY, in_hex: bool = True) -> str:
    """A wallet as it was kept."""
    iv, aad = os.urandom(12), os.urandom(16)
    sealed = AESGCM(key).encrypt(iv, seed, aad)
    parts = {"encrypted": sealed[:-16], "iv": iv, "tag": sealed[-16:], "aad": aad}
    told = {name: part.hex() if in_hex else base64.b64encode(part).decode() for name, part in parts.items()}
    kept = {"version": "v2_seed", **told}
    return json.dumps({"address": address or LocalSolanaSigner(seed).address, "private_key": kept})


@pytest.fixture
def kms() -> Kms:
    return InMemoryKms(("key",))


@pytest.fixture
def run(database_url: str, kms: Kms) -> Run:
    """The command, its encryption key on a pipe."""

    def run(*lines: str, key: str = KEY.hex()) -> int:
        reader, writer = os.pipe()
        os.write(writer, key.encode())
        os.close(writer)
        chosen = ["--database-url", database_url, "--kms-key", "key", "--cluster", "localnet", "--fd", str(reader)]
        return main(chosen, lines, kms)

    return run


@pytest.fixture
def vault(database_url: str, kms: Kms) -> Iterator[Vault]:
    postgres = Postgres(database_url, role=WALLETS_ROLE)
    yield Vault(postgres, Envelope(kms, "key"))
    postgres.close()


def origins(database_url: str) -> list[tuple[str, str]]:
    postgres = Postgres(database_url)
    with postgres.transaction() as tx:
        rows = tx.all("select address, origin from contests.contest_wallets order by number")
    postgres.close()
    return [(row["address"], row["origin"]) for row in rows]


def test_wallets_are_taken_over_and_sign(
    run: Run, vault: Vault, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both encodings; again changes nothing; what is shown is addresses."""
    lines = [line(SEEDS[0]), line(SEEDS[1], in_hex=False)]

    assert [run(*lines), run(*lines)] == [0, 0]
    assert origins(database_url) == [(address, "legacy") for address in ADDRESSES[:2]]
    for address in ADDRESSES[:2]:
        signer = vault.solana_signer(address, purpose="contests", chain="solana:localnet")
        verify_message(b"a message", signer.sign_message(b"a message"), address)
    told = capsys.readouterr().out.splitlines()
    assert told == [f"{one} {how}" for how in ("taken over", "is there") for one in ADDRESSES[:2]]


def test_a_ciphertext_that_was_moved_to_another_wallet_is_refused(run: Run, database_url: str) -> None:
    """Its additional data is random, so it opens there; the address that it leads to is another. The rest is taken."""
    status = run(line(SEEDS[0], ADDRESSES[1]), line(SEEDS[2]), line(SEEDS[1], key=bytes(32)))

    assert status == 1
    assert origins(database_url) == [(ADDRESSES[2], "legacy")]


def test_a_key_in_clear_is_refused_and_not_shown(
    run: Run, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is named by its number."""
    pair = SEEDS[0] + base58.decode(ADDRESSES[0])
    clear = [base58.encode(pair), pair.hex(), list(pair), {"seed": SEEDS[0].hex()}]
    status = run(*(json.dumps({"address": ADDRESSES[0], "private_key": one}) for one in clear))
    told = capsys.readouterr().out

    assert (status, origins(database_url)) == (1, [])
    assert [told.count(f"line {number}:") for number in (1, 2, 3, 4)] == [1] * 4
    assert [form for form in (base58.encode(pair), SEEDS[0].hex(), str(list(pair))[1:40]) if form in told] == []


def test_a_wrong_encryption_key_stops_at_once(run: Run, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And is not shown."""
    assert run(line(SEEDS[0]), key="c0ffee") == 1
    assert "c0ffee" not in capsys.readouterr().out
    assert origins(database_url) == []
