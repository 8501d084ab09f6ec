"""Verify the audit chain: `python -m infra.local.audit --database-url URL [--head SEQ:HASH]`."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from infra.local import settings
from kernel.audit import Audit, ChainBroken, Head
from kernel.audit.chain import START
from kernel.errors import CounterpartError
from kernel.postgres import Postgres


def main(arguments: Sequence[str]) -> int:
    """Recompute every hash; 0 when the chain holds, 1 when it does not, 2 when it could not be read."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.audit", description="Verify the audit chain")
    parser.add_argument("--database-url", default=settings.load().database_url, help="DATABASE_URL otherwise")
    parser.add_argument("--head", type=_head, default=START, help="a head noted earlier, as SEQ:HASH")
    chosen = parser.parse_args(arguments)
    if not chosen.database_url:
        parser.error("name the database: --database-url, or DATABASE_URL in the environment")

    console = Console()
    postgres = Postgres(chosen.database_url, role="counterpart_ops")
    try:
        head = Audit(postgres).verify(chosen.head)
    except ChainBroken as broken:
        console.print(f"the chain does not hold at act {broken.details['seq']}: {broken.remedy}", style="red")
        return 1
    except CounterpartError as refused:
        console.print(f"the chain could not be read: {refused}", style="red", markup=False, soft_wrap=True)
        return 2
    finally:
        postgres.close()
    console.print(f"{head.seq} acts, every hash holds; head {head}", soft_wrap=True, highlight=False)
    return 0


def _head(text: str) -> Head:
    seq, _, digest = text.partition(":")
    return Head(seq=int(seq), hash=bytes.fromhex(digest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
