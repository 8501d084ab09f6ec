"""`python -m infra.local.costs [--measure [SERVICE …]]`: write infra/COSTS.md; before that, measure functions anew."""

import argparse
import json
import sys
from collections.abc import Sequence

from infra.local import settings
from infra.local.costs.document import FILE, document


def main(arguments: Sequence[str]) -> int:
    """0 when it is written."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.costs", description="What the bundle costs a month")
    parser.add_argument("--measure", nargs="*", metavar="SERVICE", help="what each function takes: a minute a service")
    chosen = parser.parse_args(arguments)
    measured_file = settings.ROOT / "infra/costs.json"
    known = json.loads(measured_file.read_text(encoding="utf-8"))
    if chosen.measure is not None:
        from rich.console import Console

        from infra.local.costs.measuring import measure

        known = measure(Console(), chosen.measure or tuple(known["works"]), known)
        measured_file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    FILE.write_text(document(known), encoding="utf-8")
    print(f"wrote {FILE.relative_to(settings.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
