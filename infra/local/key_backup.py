"""Back the vault's keys up, try a backup, put one back: `python -m infra.local.key_backup take|drill|put-back FILE`.

The file holds the keys as they are sealed: they open only with the wrapping keys of KMS, which have to be kept as long
as the file. A drill opens each key for one signature and asks no database; try every backup, and now and then one that
was put back into an empty database.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from infra.local import vault_arguments
from kernel.errors import CounterpartError
from kernel.keys.backup import KeyBackup
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms, Kms
from kernel.postgres import Postgres

ROLE, ACTOR = "counterpart_ops", "shell"


def main(arguments: Sequence[str], kms: Kms | None = None) -> int:
    """Do one of the three; the exit status: 1 where something is wrong with a key or a backup."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.key_backup", description="Backups of the vault")
    parser.add_argument("act", choices=("take", "drill", "put-back"))
    parser.add_argument("file", type=Path)
    vault_arguments.add_to(parser)
    chosen = vault_arguments.read(parser, arguments)

    console = Console()
    postgres = Postgres(chosen.database_url, role=ROLE)
    try:
        backup = KeyBackup(postgres, Envelope(kms or AwsKms(), chosen.kms_key))
        told, status = _act(backup, chosen.act, chosen.file)
    except CounterpartError as refused:
        told, status = f"nothing was done: {refused}", 1
    finally:
        postgres.close()
    console.print(told, style="red" if status else None, markup=False, soft_wrap=True)
    return status


def _act(backup: KeyBackup, act: str, file: Path) -> tuple[str, int]:
    if act == "take":
        content = backup.take(actor=ACTOR)
        with file.open("xb") as stream:  # an earlier backup is never overwritten
            file.chmod(0o600)
            stream.write(content)
        return f"{content.count(b'blob')} keys, sealed, are in {file}", 0
    if act == "put-back":
        put = backup.put_back(file.read_bytes(), actor=ACTOR)
        return f"{put.restored} keys were put back, {put.present} were there", 0
    drilled = backup.drill(file.read_bytes())
    lines = [f"{drilled.signed} keys opened and signed for their address", *drilled.refused]
    return "\n".join(lines), int(bool(drilled.refused))


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
