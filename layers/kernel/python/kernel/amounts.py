"""Owns arithmetic of money: integers of the smallest unit, exact, with the direction of every rounding in a name."""

import re

from kernel.errors import Invalid

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"(?P<sign>-?)(?P<whole>0|[1-9][0-9]*)(\.(?P<fraction>[0-9]+))?", re.ASCII)
# The longest int256 has 77 digits and a sign; anything longer is an attack on the parser.
_LONGEST_TEXT = 80
_MOST_DECIMALS = 77
ONE_BPS = 10_000
ONE_PPM = 1_000_000


class InvalidAmount(Invalid):
    """An amount must be a plain decimal number within its bounds."""

    code = "invalid_amount"
    cause = "The text has signs, blanks, exponents, leading zeros, too many digits or more decimals than the unit."
    remedy = "Send the amount as a string of digits in the unit of the field's name."


def parse_integer(text: str) -> int:
    """The integer in canonical text: no plus, blank, underscore, leading zero or minus zero. Raises InvalidAmount."""
    if len(text) > _LONGEST_TEXT or not _INTEGER.fullmatch(text) or text == "-0":
        raise InvalidAmount
    return int(text)


def parse_units(text: str, decimals: int) -> int:
    """`text` as an integer of 10^-decimals units, exactly: more decimals than the unit has are refused, not rounded.

    parse_units("1.5", 18) == 1_500_000_000_000_000_000. Raises InvalidAmount.
    """
    scale = _scale(decimals)
    match = _DECIMAL.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise InvalidAmount

    fraction = (match["fraction"] or "").rstrip("0")
    units = int(match["whole"]) * scale + int(fraction.ljust(decimals, "0") or "0")
    if len(fraction) > decimals or (units == 0 and match["sign"]):
        raise InvalidAmount
    return -units if match["sign"] else units


def format_units(amount: int, decimals: int) -> str:
    """The shortest decimal text of `amount` units of 10^-decimals; parse_units reads it back exactly."""
    scale = _scale(decimals)
    whole, fraction = divmod(abs(amount), scale)
    digits = str(fraction).rjust(decimals, "0").rstrip("0") if fraction else ""
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def mul_div_floor(amount: int, numerator: int, denominator: int) -> int:
    """floor(amount * numerator / denominator), towards minus infinity; the denominator must be positive."""
    _require_positive(denominator)
    return amount * numerator // denominator


def mul_div_ceil(amount: int, numerator: int, denominator: int) -> int:
    """ceil(amount * numerator / denominator), towards plus infinity; the denominator must be positive."""
    _require_positive(denominator)
    return -(-amount * numerator // denominator)


def bps(amount: int, rate_bps: int) -> int:
    """`rate_bps` ten-thousandths of `amount`, rounded down: what we pay out."""
    return mul_div_floor(amount, rate_bps, ONE_BPS)


def bps_ceil(amount: int, rate_bps: int) -> int:
    """`rate_bps` ten-thousandths of `amount`, rounded up: what we charge."""
    return mul_div_ceil(amount, rate_bps, ONE_BPS)


def _scale(decimals: int) -> int:
    if not 0 <= decimals <= _MOST_DECIMALS:
        raise ValueError(f"a unit has 0 to {_MOST_DECIMALS} decimals, not {decimals}")
    scale: int = 10**decimals
    return scale


def _require_positive(denominator: int) -> None:
    if denominator <= 0:
        raise ValueError(f"a ratio has a positive denominator, not {denominator}")
