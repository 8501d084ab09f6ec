"""Numbers as everybody is told them."""

from decimal import Decimal


def plain(number: Decimal | float) -> str:
    """A plain decimal; of a float, the shortest that means the same."""
    return format(Decimal(str(number)).normalize(), "f")
