"""The operator's command that seals a signing key."""

import base64
import io
import json
import os
import subprocess
import sys

import pytest
from pydantic import SecretBytes

from infra.local import settings
from infra.local.aws import Aws
from infra.local.seal_key import key_of, main
from kernel import base58
from kernel.errors import Invalid
from kernel.keys.envelope import Envelope
from kernel.keys.evm import LocalSigner
from kernel.keys.kms import AwsKms
from kernel.keys.solana import LocalSolanaSigner
from kernel.keys.vault import Vault
from kernel.postgres import Postgres

pytestmark = pytest.mark.integration

KEY = bytes([0xC5, 0x7A] * 16)
PUBLIC = base58.decode(LocalSolanaSigner(KEY).address)
FORMS = {
    "hexadecimal": KEY.hex(),
    "with 0x": "0x" + KEY.hex().upper(),
    "a wallet's file": json.dumps(list(KEY + PUBLIC)),
    "a wallet's text": base58.encode(KEY + PUBLIC),
    "a seed in base58": base58.encode(KEY),
}


def vault(url: str, kms_key: str) -> Vault:
    return Vault(Postgres(url, role="counterpart_ops"), Envelope(AwsKms(), kms_key))


@pytest.mark.parametrize("form", list(FORMS))
def test_a_key_is_read_in_the_forms_that_wallets_write(form: str) -> None:
    """Always the same 32 bytes."""
    assert KEY == key_of(SecretBytes(FORMS[form].encode())).get_secret_value()


@pytest.mark.parametrize(
    "text",
    ["", "32", "[]", "0x12", KEY.hex() + "00", json.dumps(list(KEY + bytes(32))), "z" * 2_000, "[" * 900, "[256]"],
)
def test_what_is_no_key_is_refused_without_quoting_it(text: str) -> None:
    """Another length, a pair that does not fit, a file of something else."""
    with pytest.raises(Invalid) as refused:
        key_of(SecretBytes(text.encode()))

    assert text == "" or len(text) < 3 or text not in str(refused.value)


def test_a_piped_key_is_sealed_and_only_its_address_is_told(database_url: str, aws: Aws) -> None:
    """Through a process of its own: neither its output nor its arguments hold the key; then the vault signs with it."""
    kms_key = aws.create_kms_key()
    where = {"DATABASE_URL": database_url, "KMS_KEY": kms_key, **aws.env}
    command = [sys.executable, "-m", "infra.local.seal_key", "--purpose", "treasury", "--chain", "evm:31337"]
    ran = subprocess.run(
        command,
        input=KEY.hex() + "\n",
        env=settings.child_environment(where),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    address = ran.stdout.split()[0]
    assert address == LocalSigner(KEY).address
    assert KEY.hex() not in ran.stdout
    signer = vault(database_url, kms_key).evm_signer(address, purpose="treasury", chain="evm:31337")
    assert signer.sign_digest(bytes(32)) == LocalSigner(KEY).sign_digest(bytes(32))


def test_a_key_comes_by_a_file_descriptor(database_url: str, aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts whose stdin is taken; a Solana seed gets a Solana address."""
    kms_key = aws.create_kms_key()
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        stream.write(json.dumps(list(KEY + PUBLIC)))
    arguments = ["--database-url", database_url, "--kms-key", kms_key, "--purpose", "treasury"]
    status = main([*arguments, "--chain", "solana:devnet", "--fd", str(reader)])

    assert status == 0
    address = capsys.readouterr().out.split()[0]
    assert address == LocalSolanaSigner(KEY).address
    signer = vault(database_url, kms_key).solana_signer(address, purpose="treasury", chain="solana:devnet")
    assert signer.sign_message(b"m") == LocalSolanaSigner(KEY).sign_message(b"m")


def test_a_refused_key_is_not_shown(
    database_url: str, aws: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown wrapping key, an unknown chain: words, a failing status, and nothing of the key."""
    kms_key = aws.create_kms_key()
    arguments = ["--database-url", database_url, "--purpose", "treasury"]
    absent = "11111111-2222-3333-4444-555555555555"
    for chain, wrapping in (("evm:31337", absent), ("ethereum", kms_key)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(KEY.hex().encode())))
        status = main([*arguments, "--kms-key", wrapping, "--chain", chain])
        told = "".join(capsys.readouterr())

        assert status == 1
        assert "no key was sealed" in told
        assert [form for form in (KEY.hex(), base64.b64encode(KEY).decode(), repr(KEY)) if form in told] == []
    assert vault(database_url, kms_key).kept() == []


def test_a_key_is_never_taken_as_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown argument is refused; the help names no option for it."""
    with pytest.raises(SystemExit):
        main(["--help"])
    helped = capsys.readouterr().out

    assert "--fd" in helped
    assert "--key" not in helped.replace("--kms-key", "")
