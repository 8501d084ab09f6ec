"""Owns the bound of a wallet's position, apart from the clearing rule: who only looks at an amount needs no numpy."""

from typing import Final

#: Of one wallet in one batch, and therefore of any amount, in lamports.
POSITION_LIMIT: Final = 10**12
