"""Owns what an account is: a name under its service, one asset, and whether its balance may be negative. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from kernel.errors import Broken, Conflict

NAME: Final = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.-]+)+")
ASSET: Final = re.compile(r"[a-z][a-z0-9_]*:[a-z0-9-]+:[A-Za-z0-9]+")


class AccountNotOpen(Broken):
    """Something was posted to an account that nobody opened, or asked of one."""

    cause = "The account's name or asset is misspelt, or the code that should open it never ran."
    remedy = "Open the account in the transaction that first needs it."


class AccountChanged(Conflict):
    """The account is open already, under another rule about negative balances."""

    cause = "Two pieces of code open the same account differently."
    remedy = "Open it everywhere with the same may_go_negative, or choose another name."


class Overdrawn(Conflict):
    """The account does not hold that much."""

    cause = "The postings would take the account below zero, which it does not allow."
    remedy = "Fund the account first, or move less."


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account. The same name with another asset is another account.

    name: "<service>:<words>:...", as in "bridge:wallet:0x9965...".
    asset: "evm:<chain id>:native", "evm:<chain id>:0x...", "solana:<cluster>:native" or "solana:<cluster>:<mint>".
    may_go_negative: for the far ends of the books, such as what came from outside.
    """

    name: str
    asset: str
    may_go_negative: bool = False

    def __post_init__(self) -> None:
        """Refuse what the table would refuse, with words: ValueError."""
        if not NAME.fullmatch(self.name) or len(self.name) > 200:
            raise ValueError(f"an account is named <service>:<words>, not {self.name[:200]!r}")
        if not ASSET.fullmatch(self.asset) or len(self.asset) > 100:
            raise ValueError(f"an asset is <family>:<chain>:<token>, not {self.asset[:100]!r}")
