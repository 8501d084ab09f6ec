"""Owns the tasks that check wallets: one a wallet and minute, pointless once the minute after has its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.tasks import TaskSpec
from kernel.treasury.wallets import OperatorWallet

KIND = "ops.check_wallet"
PERIOD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CheckWallet:
    """The payload of a check."""

    chain: str
    address: str


def checks(wallets: Iterable[OperatorWallet], now: datetime) -> list[TaskSpec]:
    """A check of each wallet, due now; the same minute asked for twice is asked for once."""
    minute = now.replace(second=0, microsecond=0)
    return [
        TaskSpec(
            kind=KIND,
            business_key=f"{wallet.chain}/{wallet.address}/{minute:%Y-%m-%dT%H:%M}",
            payload={"chain": wallet.chain, "address": wallet.address},
            run_at=now,
            expires_at=now + 2 * PERIOD,
            attempts_max=5,  # half a minute of pauses: longer than a lost endpoint holds a quorum up
        )
        for wallet in wallets
    ]
