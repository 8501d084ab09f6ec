"""`python -m infra.local.costs [--measure]`: write infra/COSTS.md; before that, measure every function anew."""

import argparse
import json
import sys
from collections.abc import Sequence

from infra.local import settings
from infra.local.costs.document import FILE, document


def main(arguments: Sequence[str]) -> int:
    """0 when it is written."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.costs", description="What the bundle costs a month")
    parser.add_argument("--measure", action="store_true", help="what each function takes, in four minutes")
    chosen = parser.parse_args(arguments)
    measured_file = settings.ROOT / "infra/costs.json"
    if chosen.measure:
        from rich.console import Console

        from infra.local.costs.measuring import measure

        measured_file.write_text(json.dumps(measure(Console()), indent=1) + "\n", encoding="utf-8")
    FILE.write_text(document(json.loads(measured_file.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"wrote {FILE.relative_to(settings.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
