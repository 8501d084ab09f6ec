"""Make an API key: `python -m infra.local.api_key --database-url URL --tier admin --role admin --label me`."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from infra.local import settings
from kernel.auth import ApiKeys, Role, Tier
from kernel.errors import CounterpartError
from kernel.postgres import Postgres

TIERS = [tier.value for tier in Tier if tier is not Tier.ANONYMOUS]
ROLES = [role.label for role in Role if role is not Role.NOBODY]


def main(arguments: Sequence[str]) -> int:
    """Issue one key and show it, this once; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.api_key", description="Make an API key")
    parser.add_argument(
        "--database-url", default=settings.load().database_url, help="as `make up` prints it (DATABASE_URL otherwise)"
    )
    parser.add_argument("--tier", choices=TIERS, default=Tier.PUBLIC.value, help="how often it may call")
    parser.add_argument("--role", choices=ROLES, default=Role.VIEWER.label, help="what it may do")
    parser.add_argument("--label", default="made on the command line", help="for whom")
    chosen = parser.parse_args(arguments)
    if not chosen.database_url:
        parser.error("name the database: --database-url, or DATABASE_URL in the environment")

    console = Console()
    postgres = Postgres(chosen.database_url)
    try:
        postgres.check_schema()
        issued = ApiKeys(postgres).issue(
            tier=Tier(chosen.tier), role=Role.of(chosen.role), label=chosen.label, actor="shell"
        )
    except CounterpartError as refused:
        console.print(f"no key was made: {refused}", style="red", markup=False, soft_wrap=True)
        return 1
    finally:
        postgres.close()
    console.print(f"{issued.key}\n(tier {chosen.tier}, role {chosen.role}; shown this once)", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
