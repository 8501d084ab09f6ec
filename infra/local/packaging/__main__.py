"""`python -m infra.local.packaging [target ...]`: package for those, or for all."""

import sys
from collections.abc import Sequence

from infra.local.failures import LocalFailure
from infra.local.packaging.packages import package
from infra.local.packaging.targets import TARGETS


def main(names: Sequence[str]) -> int:
    """0 when all are packaged."""
    unknown = sorted(set(names) - set(TARGETS))
    if unknown:
        print(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    try:
        for name in names or TARGETS:
            package(TARGETS[name])
    except LocalFailure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
