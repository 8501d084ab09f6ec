"""Owns what the faucet of a test network gives, to whom how often, and when it takes test lamports back.

Amounts are lamports, and fees are somebody else's. What is on its way counts as gone; so does what arrived within the
last minute, which a reading of the balance may not know of.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.errors import Forbidden, RateLimited, Transient

GRANT_LAMPORTS: Final = 25_000_000
#: The faucet keeps as much, whoever asks.
RESERVE_LAMPORTS: Final = 50_000_000
#: An address is granted something once in this time.
PAUSE: Final = timedelta(minutes=15)
#: So many checks in a row find the faucet unable to grant before it takes back.
LOW_CHECKS: Final = 3
#: Of a test wallet that holds more than the first, the second is left.
SWEPT_ABOVE_LAMPORTS: Final = 10_000_000
LEFT_LAMPORTS: Final = 5_000_000
MAINNET: Final = "mainnet"


class FaucetRefused(Forbidden):
    """There is no faucet here."""

    cause = "The cluster is mainnet, where lamports are money, or no faucet is set up."
    remedy = "Ask on a test network whose contests name a faucet."


class FaucetAskedAgain(RateLimited):
    """This address has been granted something within a quarter of an hour."""

    cause = "The faucet grants once in 15 minutes to an address, whoever asks for it."
    remedy = "Wait as long as details say."
    example = '{"wait_s": 420}'
    retry_after_s = 900.0


class FaucetEmpty(Transient):
    """The faucet has run low."""

    cause = "What it holds, less what is on its way, would fall below its reserve."
    remedy = "Ask later; an operator fills it, or it takes back what test wallets do not use."


@dataclass(frozen=True, slots=True)
class Standing:
    """After a check: how many in a row were low, and whether it is time to take back."""

    low_checks: int
    is_sweep_due: bool


def require_faucet(cluster: str, faucet: str | None) -> str:
    """The faucet's address. Raises FaucetRefused on mainnet, whatever the settings say, and where there is none."""
    if cluster == MAINNET or faucet is None:
        raise FaucetRefused(cluster=cluster)
    return faucet


def can_grant(balance_lamports: int, leaving_lamports: int) -> bool:
    """Whether one more grant leaves the reserve."""
    return balance_lamports - leaving_lamports - GRANT_LAMPORTS >= RESERVE_LAMPORTS


def may_be_granted(granted_at: datetime | None, now: datetime) -> bool:
    """Whether an address that was last granted something then may be now."""
    return granted_at is None or now - granted_at >= PAUSE


def wait_s(granted_at: datetime, now: datetime) -> int:
    """In how many whole seconds an address may be granted something again, one at least."""
    left = granted_at + PAUSE - now
    return max(1, -(-left // timedelta(seconds=1)))


def after_check(low_checks: int, balance_lamports: int, leaving_lamports: int) -> Standing:
    """What a check makes of the faucet: the third low one in a row takes back, and counting begins anew."""
    if can_grant(balance_lamports, leaving_lamports):
        return Standing(0, is_sweep_due=False)
    low = low_checks + 1
    return Standing(0, is_sweep_due=True) if low >= LOW_CHECKS else Standing(low, is_sweep_due=False)


def taken_back(balance_lamports: int) -> int:
    """What is taken of a test wallet; 0 for none."""
    return balance_lamports - LEFT_LAMPORTS if balance_lamports > SWEPT_ABOVE_LAMPORTS else 0
