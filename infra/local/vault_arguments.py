"""What every command over the vault is told: the database in which it is, and the key of KMS that wraps its keys."""

import argparse
from collections.abc import Sequence

from infra.local import settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Let a command be told of both, or read them from its environment."""
    environment = settings.load()
    parser.add_argument("--database-url", default=environment.database_url, help="DATABASE_URL otherwise")
    parser.add_argument("--kms-key", default=environment.kms_key, help="id, ARN or alias of the wrapping key; KMS_KEY")


def read(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments, both named; ends the program otherwise."""
    chosen = parser.parse_args(arguments)
    if not chosen.database_url or not chosen.kms_key:
        parser.error("name database and wrapping key: --database-url and --kms-key, or DATABASE_URL and KMS_KEY")
    return chosen
