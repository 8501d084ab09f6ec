"""Numbers as everybody is told them."""

from decimal import Decimal


def plain(number: Decimal | float) -> str:
    """A plain decimal; of a float, the shortest that means the same."""
    if isinstance(number, float):
        text = repr(number)
        if text[-1].isdigit() and "e" not in text:  # an answer has hundreds of them
            return text.removesuffix(".0")
    return format(Decimal(str(number)).normalize(), "f")
