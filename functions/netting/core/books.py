"""Owns what the program's doings are in the books: which accounts of the ledger, and how much of each.

Every wallet's account holds what its ledger in the program has locked; what came in or went out stands against
`OUTSIDE`. A batch in parts takes from some wallets in one transaction and gives to others in a later one: in between
`CLEARING` holds it, as the program's clearing does. So the books equal the chain after every transaction, not only at
a batch's end.
"""

from collections.abc import Iterable
from typing import Final

from functions.netting.core.instructions import BatchSettled, Deposited, PartSettled, Step, Withdrawn

#: May go negative: it owes what all wallets have. The treasury's own accounts of this service, of the authority that
#: pays for transactions, have other names ("netting:wallet:…", "netting:outside"): that money is not in the program.
OUTSIDE: Final = "netting:deposits"
CLEARING: Final = "netting:clearing"


def wallet_account(wallet: str) -> str:
    """A wallet's account."""
    return f"netting:locked:{wallet}"


def movements(step: Step) -> list[tuple[str, int]]:
    """Accounts and lamports, + into and - out of, that add up to zero; none where no lamport moved."""
    match step:
        case Deposited(wallet=wallet, lamports=lamports):
            moved = [(OUTSIDE, -lamports), (wallet_account(wallet), lamports)]
        case Withdrawn(wallet=wallet, lamports=lamports):
            moved = [(wallet_account(wallet), -lamports), (OUTSIDE, lamports)]
        case BatchSettled(deltas=deltas):
            moved = _of_wallets(deltas)
        case PartSettled(debits=debits, credits=credits_):
            given = sum(lamports for _, lamports in credits_) - sum(lamports for _, lamports in debits)
            moved = [*_of_wallets((one, -lamports) for one, lamports in debits), *_of_wallets(credits_)]
            moved = [*moved, (CLEARING, -given)]
        case _:
            moved = []
    return _summed(moved)


def _of_wallets(amounts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(wallet_account(wallet), lamports) for wallet, lamports in amounts]


def _summed(moved: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each account once, without those that kept what they had."""
    sums: dict[str, int] = {}
    for account, lamports in moved:
        sums[account] = sums.get(account, 0) + lamports
    return sorted((account, lamports) for account, lamports in sums.items() if lamports)
