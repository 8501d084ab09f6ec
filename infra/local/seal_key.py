"""Seal a signing key into the vault: `… | python -m infra.local.seal_key --database-url URL --purpose P --chain C`.

The key comes on standard input, or from the file descriptor named with --fd, and never as an argument, which every
process of the machine could read. It is 32 bytes in hexadecimal (with or without 0x), or, for Solana, base58 or the
JSON list of a wallet's file; of 64 bytes, seed and public key, the seed is taken and must fit the rest. Where it is
typed, the terminal does not show it. What is printed is the address.
"""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence

from pydantic import SecretBytes
from rich.console import Console

from infra.local import vault_arguments
from kernel import base58
from kernel.errors import CounterpartError, Invalid
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.solana import LocalSolanaSigner
from kernel.keys.vault import Vault
from kernel.postgres import Postgres

KEY_SIZE_BYTES, PAIR_SIZE_BYTES = 32, 64
#: More than any form of a key takes.
LONGEST_TEXT = 1_000
ROLE = "counterpart_ops"


def main(arguments: Sequence[str]) -> int:
    """Seal one key and print its address; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.seal_key", description="Seal a signing key")
    vault_arguments.add_to(parser)
    parser.add_argument("--purpose", required=True, help='what it signs for, for instance "treasury"')
    parser.add_argument("--chain", required=True, help="evm:<chain id> or solana:<cluster>")
    parser.add_argument("--fd", type=int, help="read the key from this file descriptor instead of standard input")
    chosen = vault_arguments.read(parser, arguments)

    console = Console()
    postgres = Postgres(chosen.database_url, role=ROLE)
    try:
        postgres.check_schema()
        key = key_of(read_text(chosen.fd))
        vault = Vault(postgres, Envelope(AwsKms(), chosen.kms_key))
        address = vault.keep(key.get_secret_value(), purpose=chosen.purpose, chain=chosen.chain, actor="shell")
    except CounterpartError as refused:
        console.print(f"no key was sealed: {refused}", style="red", markup=False, soft_wrap=True)
        return 1
    finally:
        postgres.close()
    console.print(f"{address}\n(sealed for {chosen.purpose} on {chosen.chain})", markup=False, soft_wrap=True)
    return 0


def read_text(descriptor: int | None) -> SecretBytes:
    """What was typed or piped."""
    if descriptor is not None:
        with os.fdopen(descriptor, "rb") as stream:
            return SecretBytes(stream.read(LONGEST_TEXT + 1).strip())
    if sys.stdin.isatty():
        return SecretBytes(getpass.getpass("private key (not shown): ").strip().encode())
    return SecretBytes(sys.stdin.buffer.read(LONGEST_TEXT + 1).strip())


def key_of(text: SecretBytes) -> SecretBytes:
    """The 32 bytes that a text stands for. Raises Invalid, which quotes nothing of it."""
    if len(text) <= LONGEST_TEXT:
        for form in (_hexadecimal, _json, _base58):
            key = _seed(form(text))
            if key is not None:
                return key
    raise Invalid("The key is not 32 bytes in hexadecimal, nor a Solana key in base58 or as a wallet's JSON list.")


def _hexadecimal(text: SecretBytes) -> SecretBytes | None:
    try:
        return SecretBytes(bytes.fromhex(text.get_secret_value().removeprefix(b"0x").decode("ascii")))
    except ValueError:
        return None


def _json(text: SecretBytes) -> SecretBytes | None:
    if not text.get_secret_value().startswith(b"["):
        return None
    try:
        return SecretBytes(bytes(json.loads(text.get_secret_value())))
    except (ValueError, TypeError):
        return None


def _base58(text: SecretBytes) -> SecretBytes | None:
    try:
        return SecretBytes(base58.decode(text.get_secret_value().decode("ascii")))
    except ValueError:
        return None


def _seed(key: SecretBytes | None) -> SecretBytes | None:
    """A key of 32 bytes as it is; of a pair the first half, if the second is its public key."""
    if key is None or len(key) not in {KEY_SIZE_BYTES, PAIR_SIZE_BYTES}:
        return None
    seed = SecretBytes(key.get_secret_value()[:KEY_SIZE_BYTES])
    rest = key.get_secret_value()[KEY_SIZE_BYTES:]
    if rest and base58.encode(rest) != LocalSolanaSigner(seed.get_secret_value()).address:
        return None
    return seed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
