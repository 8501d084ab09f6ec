"""Take over wallets of the earlier form: `… < wallets.jsonl | python -m infra.local.legacy_wallets --cluster C --fd 3`.

Each line of standard input is {"address": …, "private_key": {"encrypted", "iv", "tag", "aad"}}, as it was stored
(functions/contests/core/legacy_wallet.py). The key under which all of them were encrypted, 32 bytes in hexadecimal,
comes from the file descriptor named with --fd. A key in clear is refused, and nothing of it is shown. To run it again
is harmless: what is in the vault already is left as it is.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence

from pydantic import SecretBytes
from rich.console import Console

from functions.contests.adapters.legacy_wallets import LegacyWallets
from functions.contests.core.legacy_wallet import read_line
from functions.contests.wiring import WALLETS_ROLE
from infra.local import vault_arguments
from infra.local.seal_key import read_text
from kernel.clock import SystemClock
from kernel.errors import CounterpartError, Invalid
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms, Kms
from kernel.keys.vault import Vault
from kernel.postgres import Postgres

ACTOR = "shell"
KEY_BYTES = 32


def main(arguments: Sequence[str], lines: Iterable[str] | None = None, kms: Kms | None = None) -> int:
    """Take over every line; the exit status: 1 where one was refused."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.legacy_wallets", description="Take over wallets")
    vault_arguments.add_to(parser)
    parser.add_argument("--cluster", required=True, help="mainnet, devnet, testnet or localnet")
    parser.add_argument("--fd", type=int, required=True, help="the file descriptor of the earlier encryption key")
    chosen = vault_arguments.read(parser, arguments)

    console = Console()
    postgres = Postgres(chosen.database_url, role=WALLETS_ROLE)
    try:
        postgres.check_schema()
        key, vault = key_of(read_text(chosen.fd)), Vault(postgres, Envelope(kms or AwsKms(), chosen.kms_key))
        legacy = LegacyWallets(postgres, vault, SystemClock(), key=key, chain=f"solana:{chosen.cluster}")
        refused = sum(_take_over(console, legacy, number, line) for number, line in enumerate(lines or sys.stdin, 1))
    except CounterpartError as stopped:
        console.print(f"stopped: {stopped}", style="red", markup=False, soft_wrap=True)
        return 1
    finally:
        postgres.close()
    return int(refused > 0)


def key_of(text: SecretBytes) -> SecretBytes:
    """The encryption key. Raises Invalid, which quotes nothing of it."""
    try:
        key = SecretBytes(bytes.fromhex(text.get_secret_value().decode("ascii")))
    except ValueError:
        key = SecretBytes(b"")
    if len(key) != KEY_BYTES:
        raise Invalid("The encryption key is not 32 bytes in hexadecimal.")
    return key


def _take_over(console: Console, legacy: LegacyWallets, number: int, line: str) -> int:
    """1 for a line that was refused."""
    try:
        taken = legacy.take_over(read_line(line), actor=ACTOR)
    except CounterpartError as refused:
        if refused.fault != "caller":
            raise
        console.print(f"line {number}: {refused} {refused.details}", style="red", markup=False, soft_wrap=True)
        return 1
    console.print(f"{taken.address} {'taken over' if taken.is_new else 'is there'}", markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
