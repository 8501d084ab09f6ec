"""Prints how many constraints the circuit has, part by part, as the table of functions/barter/README.md.

.venv/bin/python -m gpu.exchange.count
"""

import sys
from collections.abc import Sequence
from typing import Final

from gpu.exchange.circuit import system
from gpu.exchange.circuit_shape import Shape

SIZES: Final = (16, 64, 128, 256)
LIST_MAX: Final = 16


def table(sizes: Sequence[int] = SIZES) -> str:
    """A column a size, a row a part."""
    systems = [system(Shape(size, LIST_MAX)) for size in sizes]
    counts = [one.counts() for one in systems]
    rows = [(part, [count[part] for count in counts]) for part in counts[0]]
    rows.append(("**all**", [len(one.constraints) for one in systems]))
    rows.append(("wires", [one.wires for one in systems]))
    head = f"| agents, lists of {LIST_MAX} | {' | '.join(map(str, sizes))} |\n|---|{'---:|' * len(sizes)}"
    return "\n".join([head, *(f"| {part} | {' | '.join(f'{count:,}' for count in row)} |" for part, row in rows)])


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
